import pytest

from sparseinst.errors import DatasetError
from sparseinst.imaging.files import picture_files


def test_the_pictures_of_a_folder_by_name_without_hidden_ones_and_those_of_folders_in_it(tmp_path):
    for name in ("b.JPG", "a.png", "c.webp", ".hidden.jpg", "notes.txt", "in.jpg/d.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in picture_files(tmp_path)] == ["a.png", "b.JPG", "c.webp"]


def test_a_folder_without_pictures_and_one_that_is_not_there(tmp_path):
    with pytest.raises(DatasetError, match="holds no pictures") as empty:
        picture_files(tmp_path)
    assert ".webp" in empty.value.fix
    with pytest.raises(DatasetError, match="cannot be read"):
        picture_files(tmp_path / "gone")
