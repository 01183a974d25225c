from pipelines.run.folder import new_run_folder


def test_two_runs_in_one_second_get_two_folders_and_latest_is_the_newer(tmp_path):
    first, second = new_run_folder(tmp_path), new_run_folder(tmp_path)
    assert first != second
    assert first.is_dir()
    assert (tmp_path / "latest").resolve() == second.resolve()
