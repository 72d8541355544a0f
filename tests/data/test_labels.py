"""What the words and numbers of a source mean, and what is said about them."""

from pathlib import Path

import numpy as np
import pytest

from helpers.data.cells import UNLABELLED
from helpers.data.constants import CLASS_NAMES
from helpers.data.labels import as_words, class_index, map_labels
from helpers.errors import InputError

HERE = Path("cells.npz")


@pytest.mark.parametrize(
    ("name", "label"),
    [
        *(("Basophil", 0), ("BASOPHILS", 0), ("BA", 0), ("0_basophil", 0), ("eosinophils", 1), ("EO", 1)),
        *(("Erythroblast", 2), ("ERB", 2), ("ig", 3), ("IG", 3), ("Immature Granulocytes", 3)),
        *(("immature_granulocyte", 3), ("immature-granulocytes", 3), ("myelocyte", 3), ("LYMPHOCYTE", 4)),
        *(("ly", 4), (" Monocytes ", 5), ("MO", 5), ("neutrophil", 6), ("NEUTRO", 6), ("SNE", 6)),
        *(
            ("Band_Neutrophil", 6),
            ("neutrophil, segmented", 6),
            ("BNE", 6),
            ("EBO", 2),
            ("MMY", 3),
            ("PMY", 3),
        ),
        *(
            ("immature granulocytes(myelocytes, metamyelocytes and promyelocytes)", 3),
            ("MY", 3),
            ("03. IG", 3),
        ),
        *(("SEG", 6), ("band", 6), ("STAB", 6), ("PMN", 6), ("BNE/SNE", 6), ("BandNeutrophil", 6)),
        *(("IG-promyelocyte", 3), ("ImmatureGranulocytes", 3), ("Giant platelet", 7), ("WBC - monocyte", 5)),
        *(("class_basophil", 0), ("neutrophil_01", 6), ("Neutrophils 2", 6), ("typicalLymphocyte", 4)),
        *(("platelets", 7), ("PLT", 7), ("Platelet cells", 7), ("ｐｌａｔｅｌｅｔ", 7)),
        *(
            ("8", None),
            ("7", None),
            ("immature neutrophil", None),
            ("(ig)", None),
            ("my cells", None),
            ("-1", None),
            ("", None),
            ("cells", None),
            ("s", None),
            ("basophil2", 0),
            ("neutrophil, lymphocyte", None),
            ("RBC", None),
            ("WBC", None),
            ("granulocyte", None),
            ("platelet clump", None),
            ("Basophilic granulocyte", 0),
            ("neutrophil granulocytes", 6),
            ("granulocyte", None),
            ("small lymphocyte", 4),
            ("atypical lymphocyte", None),
        ),
    ],
)
def test_names_that_mean_a_class(name: str, label: int | None) -> None:
    assert class_index(name) == label


MARKS = ["", " ", "-1", "-1.0", "255", "NaN", "nan", "unknown", "Unlabeled", "None", "n/a", "?"]


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize(
    "others", [CLASS_NAMES, [f"{label}" for label in range(8)], [f"{label}.0" for label in range(8)]]
)
def test_what_marks_a_missing_label_is_no_class_and_it_is_said(mark: str, others: list[str]) -> None:
    labels, notes, warnings = map_labels(np.array([*others, mark, mark]), HERE)
    assert labels.tolist() == [*range(8), UNLABELLED, UNLABELLED]
    assert notes[-1] == "2 of 10 images have no label" + (f" (“{mark.strip()}”)." if mark.strip() else ".")
    assert warnings == []


@pytest.mark.parametrize(
    "stored", [np.array([*range(8), -1]), np.array([*range(8), 255]), np.array([*range(8), np.nan])]
)
def test_numbers_that_mark_a_missing_label_are_no_class(stored: np.ndarray) -> None:
    assert map_labels(as_words(stored, HERE, "labels"), HERE)[0].tolist() == [*range(8), UNLABELLED]


@pytest.mark.parametrize("first", [-1, 1])
def test_eight_numbers_that_do_not_begin_with_0_are_refused_with_the_likely_names(first: int) -> None:
    numbers = np.arange(first, first + 8).astype(str)
    with pytest.raises(InputError, match="perhaps --classes basophil,eosinophil,erythroblast,imm") as caught:
        map_labels(numbers, HERE)
    classes = str(caught.value).rpartition(" ")[2]
    assert map_labels(numbers, HERE, classes)[0].tolist() == [*range(8)]


@pytest.mark.parametrize(
    ("values", "stored_names"), [(np.array(["ig", "platelet"]), ()), (np.array(["0", "1"]), ("IG", "PLT"))]
)
def test_the_user_wins_over_the_names_in_the_data_and_hears_of_it(
    values: np.ndarray, stored_names: tuple[str, ...]
) -> None:
    labels, _, (warning,) = map_labels(values, HERE, "basophil,platelet,", stored_names)
    assert labels.tolist() == [0, 7]
    assert warning.startswith("We used --classes, and not the names in the data (")
    assert map_labels(values, HERE, "ig,platelet", stored_names)[2] == []


@pytest.mark.parametrize(
    ("words", "is_offered"),
    [
        (["c1", "c2"], True),
        ([f"{n}.png" for n in range(21)], False),
    ],
)
def test_the_option_is_offered_only_where_it_can_help(words: list[str], is_offered: bool) -> None:
    with pytest.raises(InputError, match="no class has this name, expected basophil") as caught:
        map_labels(np.array(words), HERE)
    assert ("--classes" in str(caught.value)) == is_offered


def test_no_list_of_labels_is_cut() -> None:
    words = [f"a cell of a kind with a long name {n:02}" for n in range(20)]
    with pytest.raises(InputError, match=r"or --classes with 20 names, in the order .* name 19$"):
        map_labels(np.array(words), HERE)


def test_many_names_give_a_short_note() -> None:
    _, (note,), _ = map_labels(np.array([f"ig {n}" for n in range(60)]), HERE)
    assert note.endswith("“ig 26” is immature granulocyte, and 40 more.")


def test_labels_counted_from_1_without_the_first_are_not_shifted_by_two() -> None:
    with pytest.raises(InputError, match=r"perhaps --classes eosinophil,.*,platelet"):
        map_labels(np.arange(2, 9).astype(str), HERE)


def test_numbers_among_names_are_named_as_the_cause() -> None:
    with pytest.raises(InputError, match="some labels are numbers and some are words"):
        map_labels(np.array(["0", "1", "basophil"]), HERE)
