from sparseinst.data.checks.findings import Finding
from sparseinst.data.report.problems import grouped, verdict
from tests.data.report.example import findings


def test_findings_are_grouped_by_code_the_gravest_first():
    groups = grouped(findings())
    assert [(group.severity, group.code, group.count) for group in groups] == [
        ("error", "SEG-POLY-SHORT", 30), ("warning", "IMG-TWICE", 1), ("note", "CAT-GAP", 1),
    ]  # fmt: skip
    assert len(groups[0].examples) == 20


def test_a_fix_that_is_the_same_for_all_is_said_once():
    same = [Finding("IMG-TWICE", f"/images/{n}", "twice", "Delete one") for n in range(3)]
    other = Finding("IMG-TWICE", "/images/9", "twice", "Delete the other")
    assert [group.fix for group in grouped(same)] == ["Delete one"]
    assert [group.fix for group in grouped([*same, other])] == [""]


def test_the_place_of_a_file_on_one_machine_is_not_shown():
    files = ["/home/me/train.json", "C:\\data\\train.json", "annotations/train.json", ""]
    (group,) = grouped([Finding("IMG-TWICE", "", "twice", "Delete one", file) for file in files])
    assert [example.file for example in group.examples] == ["train.json", "train.json", "annotations/train.json", ""]


def test_errors_decide_before_warnings_and_warnings_before_notes():
    error, warning, note = (Finding(code, "", "", "") for code in ("IMG-NONE", "IMG-TWICE", "CAT-GAP"))
    sets = ([error, warning], [warning, warning, note], [note], [])
    assert [verdict(found) for found in sets] == [
        ("error", "1 error keeps training from starting."),
        ("warning", "Training can start; 2 warnings are worth a look."),
        ("good", "Ready for training, with 1 note."),
        ("good", "Ready for training: every check passed."),
    ]
