"""Small registers for tests, in the layout of the real one."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ccserver.addresses.importing import Imported, import_register
from ccserver.addresses.sample import FILES
from ccserver.location import Position
from ccserver.location.lks92 import to_lks92

LATVIA = 100000000


@dataclass
class Register:
    """Rows by file; `write` puts them on the disk."""

    rows: dict[str, list[Sequence[object]]] = field(
        default_factory=lambda: {name: [] for name in FILES}
    )

    def place(  # noqa: PLR0917
        self, file: str, tips: int, code: int, name: str, parent: int, status: str = "EKS"
    ) -> int:
        row = (code, tips, name, parent, 0, "Y", 252, status, name, "", "", "", "", "")
        self.rows[file].append(row)
        return code

    def city(self, code: int, name: str, parent: int = LATVIA) -> int:
        return self.place("aw_pilseta", 104, code, name, parent)

    def municipality(self, code: int, name: str) -> int:
        return self.place("aw_novads", 113, code, name, LATVIA)

    def parish(self, code: int, name: str, parent: int) -> int:
        return self.place("aw_pagasts", 105, code, name, parent)

    def village(self, code: int, name: str, parent: int) -> int:
        return self.place("aw_ciems", 106, code, name, parent)

    def street(self, code: int, name: str, parent: int, status: str = "EKS") -> int:
        return self.place("aw_iela", 107, code, name, parent, status)

    def building(  # noqa: PLR0917
        self,
        code: int,
        name: str,
        parent: int,
        text: str,
        at: tuple[float, float] | None,
        status: str = "EKS",
        postcode: str = "LV-1010",
    ) -> int:
        position: tuple[object, ...] = ("", "", "", "")
        if at is not None:
            position = (*to_lks92(Position(*at)), *at)
        start = (code, 108, status, "Y", 252, parent, 0, name, name, postcode)
        self.rows["aw_eka"].append((*start, "", "", "", "", "N", "N", text, *position))
        return code

    def flat(self, code: int, name: str, building: int, status: str = "EKS") -> int:
        row = (code, 109, status, "Y", 252, building, 108, name, name, "", "", "", "", "")
        self.rows["aw_dziv"].append(row)
        return code

    def formerly(self, file: str, code: int, name: str, text: str, parent: int = LATVIA) -> None:
        row: tuple[object, ...] = (code, 0, "", "", "2009.01.01", text, name, parent, 107)
        if file == "aw_eka_his":
            row = (code, "", *row[1:])
        self.rows[file].append(row)

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.texts().items():
            (folder / f"{name}.csv").write_bytes(text)
        return folder

    def texts(self) -> Mapping[str, bytes]:
        """Each file's bytes: BOM, every value quoted, CRLF."""
        found = {}
        for name, header in FILES.items():
            out = io.StringIO()
            writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
            writer.writerow(header)
            writer.writerows(self.rows[name])
            found[name] = out.getvalue().encode("utf-8-sig")
        return found


def silent(*_: object) -> None:
    """No progress."""


def imported(register: Register, folder: Path, *, force: bool = True) -> tuple[Path, Imported]:
    """The index of a register, made in ``folder``."""
    path = folder / "addresses.db"
    source = register.write(folder / "csv")
    return path, import_register(source, path, force=force, progress=silent)


RIGA, CESIS, JURMALA = (56.95, 24.12), (57.31, 25.27), (56.97, 23.77)


def latvia() -> Register:
    """Some streets and farms with all that makes searching hard."""
    made = Register()
    riga = made.city(100003003, "Rīga")
    jurmala = made.city(100003004, "Jūrmala")
    cesu = made.municipality(100003010, "Cēsu nov.")
    valmieras = made.municipality(100003011, "Valmieras nov.")
    cesis = made.city(100003012, "Cēsis", cesu)
    vecate = made.parish(100003013, "Vecates pag.", valmieras)
    village = made.village(100003014, "Vecate", vecate)
    made.formerly("aw_pagasts_his", vecate, "Vecates pag.", "Vecates pag., Mazsalacas nov.")

    code = 101000000

    def street(name: str, place: int, around: str, at: tuple[float, float], *numbers: str) -> int:
        nonlocal code
        code += 1000
        made.street(code, name, place)
        for step, number in enumerate(numbers, 1):
            text = f"{name} {number}, {around}, LV-1010"
            made.building(code + step, number, code, text, (at[0] + step * 1e-4, at[1]))
        return code

    brivibas = street("Brīvības iela", riga, "Rīga", RIGA, "1", "15", "15A", "15 k-1", "150", "152")
    street("Brīvības gatve", riga, "Rīga", (56.98, 24.2), "200", "202")
    street("Brīvības iela", cesis, "Cēsis, Cēsu nov.", CESIS, "15", "17")
    street("Krišjāņa Barona iela", riga, "Rīga", RIGA, "1", "15", "59/61")
    street("13. janvāra iela", riga, "Rīga", RIGA, "3", "5", "13")
    street("1905. gada iela", riga, "Rīga", RIGA, "3")
    street("Jomas iela", jurmala, "Jūrmala", JURMALA, "1", "35")
    street("Raiņa bulvāris", riga, "Rīga", RIGA, "19")
    street("Ausekļa iela", riga, "Rīga", RIGA, "7")
    street("Rīgas iela", cesis, "Cēsis, Cēsu nov.", CESIS, "1", "2", "10")
    skolas = street(
        "Skolas iela", village, "Vecate, Vecates pag., Valmieras nov.", (57.8, 25.1), "4"
    )
    made.formerly("aw_iela_his", brivibas, "Ļeņina iela", "Ļeņina iela, Rīga")
    gone = made.street(101900000, "Pazudusī iela", riga, "DEL")
    made.building(101900001, "1", gone, "Pazudusī iela 1, Rīga, LV-1010", RIGA, "DEL")
    made.building(101900002, "15", brivibas, "Brīvības iela 15, Rīga, LV-1010", RIGA, "ERR")
    made.flat(102000001, "3", brivibas + 2)
    made.flat(102000002, "12A", brivibas + 2)
    made.flat(102000003, "3", brivibas + 4)
    made.flat(102000004, "4", brivibas + 2, "DEL")

    rinni = made.building(
        103000001,
        "Riņņi",
        vecate,
        '"Riņņi", Vecates pag., Valmieras nov., LV-4211',
        (57.85, 25.05),
        postcode="LV-4211",
    )
    made.formerly("aw_eka_his", rinni, "Vecriņņi", '"Vecriņņi", Vecates pag.', vecate)
    made.building(
        103000002,
        'Stacija "Biksti, jaunā"',
        vecate,
        '"Stacija "Biksti, jaunā"", Vecates pag., Valmieras nov., LV-4211',
        (57.86, 25.06),
        postcode="LV-4211",
    )
    made.flat(103000003, "1", 103000002)
    made.building(103000004, "Ozoli", vecate, "", (57.87, 25.07))
    # The house was 8 Barona street before it got its present number.
    made.formerly("aw_eka_his", skolas + 1, "9", "Skolas iela 9, Vecate", skolas)
    return made
