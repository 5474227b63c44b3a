"""Small files of kinds that no editor writes: PDFs by hand, DOCX through python-docx, a zip bomb."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

import docx


def pdf(
    pages: Sequence[str], *, encrypted: bool = False, info: str = "/Title (A guide) /ModDate (D:20240131)"
) -> bytes:
    """A PDF with a line of text per line of each page; one that is encrypted asks for a password."""
    fonts = "<< /Font << /F1 3 0 R >> >>"
    numbers = [5 + 2 * at for at in range(len(pages))]
    objects = {
        1: "<< /Type /Catalog /Pages 2 0 R >>",
        2: f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(f'{n} 0 R' for n in numbers)}] >>",
        3: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        4: f"<< {info} >>",
    }
    for number, page in zip(numbers, pages, strict=True):
        lines = " ".join(f"({line}) Tj 0 -14 Td" for line in page.split("\n"))
        content = f"BT /F1 12 Tf 72 720 Td {lines} ET"
        box = "/MediaBox [0 0 612 792]"
        objects[number] = (
            f"<< /Type /Page /Parent 2 0 R {box} /Resources {fonts} /Contents {number + 1} 0 R >>"
        )
        objects[number + 1] = f"<< /Length {len(content)} >>\nstream\n{content}\nendstream"
    trailer = f"/Size {len(objects) + 2} /Root 1 0 R /Info 4 0 R"
    if encrypted:
        last = len(objects) + 1
        words = "/O <" + "11" * 32 + "> /U <" + "22" * 32 + ">"
        objects[last] = f"<< /Filter /Standard /V 1 /R 2 {words} /P -4 >>"
        trailer += f" /Encrypt {last} 0 R /ID [<{'33' * 16}> <{'33' * 16}>]"
    written, places = "%PDF-1.4\n", []
    for number, body in sorted(objects.items()):
        places.append(len(written))
        written += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    start = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n<< {trailer} >>\n"
    return f"{written}{start}startxref\n{len(written)}\n%%EOF\n".encode("latin-1")


def docx_file() -> bytes:
    """A title, a heading, a paragraph, two items, a table."""
    document = docx.Document()
    document.core_properties.title = "The guide"
    document.core_properties.keywords = "pay, keys"
    document.add_heading("Fees", level=1)
    document.add_paragraph("A transfer pays gas.")
    document.add_paragraph("first", style="List Bullet")
    document.add_paragraph("second", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for row, words in zip(table.rows, (("coin", "fee"), ("ether", "2")), strict=True):
        for cell, word in zip(row.cells, words, strict=True):
            cell.text = word
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


def bomb(unpacked: int) -> bytes:
    """A DOCX whose text is `unpacked` zeros long and packed a thousand times smaller."""
    written = io.BytesIO(docx_file())
    with zipfile.ZipFile(written, "a", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("word/more.xml", b"0" * unpacked)
    return written.getvalue()
