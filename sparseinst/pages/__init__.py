"""What the project's HTML pages share: one frame of a page, SVG charts, pictures, and numbers in words."""
