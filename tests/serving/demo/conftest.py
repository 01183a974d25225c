from tests.browser import browser, visit  # noqa: F401
