"""Texts on which tokenizers go apart: what the ship check encodes besides the dataset's own rows.

Written for this purpose. Scripts, white space, emoji, code, digits, characters that no vocabulary holds, and
special tokens typed by a user as plain text. Knows nothing of any tokenizer.
"""

# ruff: noqa: RUF001  # letters that look like others are the point

from __future__ import annotations

from collections.abc import Iterable

_LANGUAGES = (
    "My card was declined twice, and the shop won't take cash: what now?",
    "Größere Überweisungen können außerhalb der Öffnungszeiten verspätet eintreffen.",
    "Où est passée l'idée géniale qu'elle a notée près du bœuf bourguignon : là-bas ?",
    "¿Cuándo llegará el niño a la montaña? ¡Mañana, según señaló la vigüela!",
    "Příští úterý přijď dříve, žádám tě, než začne déšť.",
    "Yarın sabah İzmir'de ılık bir rüzgâr esecek, şemsiyeyi bırak.",
    "Подъезд закрыт: код от двери знает только её сосед, а он уехал.",
    "Γράψε μου ξανά αύριο το πρωί, όταν θα έχω ήδη φύγει.",
    "המפתח נמצא מתחת לשטיח ליד הדלת.",
    "أرسل لي العنوان مرة أخرى من فضلك، ثمَّ انتظرْ قليلاً",
    "कल सुबह दस बजे बैंक खुलेगा, कृपया पहचान पत्र लाएँ।",
    "আগামীকাল বৃষ্টি হতে পারে, ছাতা নিয়ে বেরোবেন।",
    "พรุ่งนี้ร้านเปิดเก้าโมงเช้า กรุณามาให้ตรงเวลา",
    "電車が遅れています。カードとｶｰﾄﾞ、お願いします。",
    "请把发票寄到新的地址。請把發票寄到新的地址。",
    "내일 아침 여덟 시에 역 앞에서 만납시다.",
    "Ngày mai trời sẽ mưa, nhớ đem ô và đặt vé trước nhé.",
    "ᚱᚢᚾ᛫ᚦᛅ and 𐎠𐎡𐎢 and 𝕳𝖊𝖑𝖑𝖔",
)

_WHITE_SPACE = (
    "",
    " ",
    "  ",
    "   ",
    "        ",
    "\t",
    "\t\t",
    " \t ",
    "\n",
    "\n\n",
    "\n\n\n\n",
    "\r\n",
    " \n \n ",
    "a b  c   d    e",
    " leading",
    "  leading two",
    "trailing ",
    "trailing two  ",
    "\nleading line",
    "trailing line\n",
    "line one\nline two\r\nline three\n\n  indented",
    "tab\tseparated\tvalues\n1\t2\t3\n",
    "no-break\u00a0space, thin\u2009space, ideographic\u3000space, zero\u200bwidth",
    "\u2028line and \u2029paragraph separators",
)

_DIGITS = (
    "0",
    "00",
    "000",
    "0000",
    "1234567890",
    "12 345 678,90 and 12,345,678.90",
    "3.14159265358979",
    "-1e-12 +2E+34 0x1F 0b101 1_000_000",
    "2026-01-31T10:00:00.000Z",
    "+49 (0)30 901820-0",
    "٠١٢٣٤٥٦٧٨٩ ０１２３ ⅓ ½ ² ₃ Ⅷ",
    "a1b22c333d4444",
    "$1,299.00 €99 £5 ¥700 ₿0.021",
)

_EMOJI = (
    "🙂",
    "🙂🙂🙂",
    "Great 👍🏽 work 🎉!",
    "👩‍👩‍👧‍👦 family, 🏳️‍🌈 flag, 🇩🇪🇯🇵 flags, 1️⃣ key",
    "☃︎ ☃️ ❤️ ♥",
    "¯\\_(ツ)_/¯ (╯°□°)╯︵ ┻━┻",
    "🫨🪿🫎 are newer than most vocabularies",
)

_MARKS = (
    "e\u0301 is not é, and n\u0303 is not ñ",
    "Z\u0351\u036b\u0343a\u0311\u030el\u0335\u0341g\u0363o\u031b",
    "\u212b ngstrom, \ufb01 ligature, \u1e9b\u0323",
    "right \u200fto\u200e left, soft\u00adhyphen, \ufeffbyte order mark",
    "\u202eevird\u202c",
    "control \u0001\u0002\u001f\u007f characters",
    "\U0010ffff \ufffd \ue000 \U000f0000",
    "▁ U+2581 is not _ and not a space ▁▁",
    "Ġ Ċ ĉ are letters too",
)

_CODE = (
    'def f(x: int) -> str:\n    return f"{x!r:>10}"  # done\n',
    "for (int i = 0; i < n; ++i) { a[i] *= 2; }\n",
    '{"intent": "card_lost", "urgent": true, "amounts": [1, 2.50, -3e4], "note": null}',
    '{\n  "a": {\n    "b": []\n  }\n}',
    "<div class=\"x\" data-y='z'>&nbsp;&lt;b&gt;</div><!-- c -->",
    "SELECT * FROM t WHERE a <> 'O''Brien' AND b IS NOT NULL;--",
    'function transfer(address to, uint256 amt) external returns (bool) { require(amt > 0, "zero"); }',
    "https://example.org/a/b?c=d&e=%20f#g user@example.org C:\\Users\\x /usr/local/bin",
    "$ grep -rn 'x\\|y' . | sed -e 's/a/b/g' >> out.txt 2>&1",
    "# Title\n\n* item **bold** _it_ `code`\n\n```py\nx = 1\n```\n| a | b |\n|---|---|\n",
    "\\frac{a}{b} \\sum_{i=1}^{n} x_i^2 \\neq \\infty",
    "if(a&&b||!c){d??=e?.f??[];}//",
)

_WORDS = (
    "a",
    "A",
    "I'm you're he'll WE'VE it'D don't can’t “quoted” ‘single’ «guillemets»",
    "COUNTERREVOLUTIONARIES",
    "camelCaseWords and snake_case_words and kebab-case-words",
    "Kreditkartenverlustmeldungsformularnummer",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "abababababababababababababababab",
    "!!!???...,,,;;;:::---___***///\\\\\\",
    "(){}[]<>|&^%$#@~`'\"",
    "......", "- -- --- ----", "=====", "….…",
    "The the THE tHe",
    "once upon a time, there was a little girl named lily",
    "Hello,world!Hello , world !",
    "x" * 300,
)  # fmt: skip

HARD_TEXTS: tuple[str, ...] = (*_LANGUAGES, *_WHITE_SPACE, *_DIGITS, *_EMOJI, *_MARKS, *_CODE, *_WORDS)

QUESTIONS: tuple[str, ...] = (
    "Once upon a time, there was a",
    "Tom and his sister went to the",
    "One day, a little bird",
    "The big dog was very",
    "It was a sunny day and",
    "In the park, two children",
    "Explain in one sentence why the sky is blue.",
    "Write a short poem about rain.",
    "List three fruits, one per line.",
    "Translate to French: Where is the station?",
    "What is 17 + 25? Answer with the number only.",
    'Return a JSON object with the keys "name" and "age".',
    "Summarise: The meeting was moved from Monday to Wednesday because the room was taken.",
    "def fibonacci(n):",
    "Name the capital of Italy.",
    "I lost my card. What should I do first?",
    "Give me a polite way to decline an invitation.",
    "Which is heavier, a kilogram of feathers or a kilogram of iron?",
    "Continue the series: 2, 4, 8, 16,",
    "Hello!",
)
"""What to ask a model of which nothing else is known."""


def typed_specials(specials: Iterable[str]) -> list[str]:
    """Texts of a user who types the special tokens of a model: alone, in a sentence, glued and in a row."""
    typed = [text for text in specials if text]
    texts = []
    for special in typed:
        texts += [special, f"what does {special} mean?", f"x{special}y", f" {special} \n{special}{special}"]
    return [*texts, "".join(typed), " ".join(typed)] if typed else []
