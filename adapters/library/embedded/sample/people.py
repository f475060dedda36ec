"""Patrons of the sample library, all invented: surname | given name | category | branch | language | town."""

from __future__ import annotations

PEOPLE = """
Müller|Ana|adult|MAIN|ger|Bergstadt
Okafor|Chidi|student|SCI|eng|Bergstadt
Novotná|Žofie|adult|NORTH|cze|Lhota
Ørsted-Lind|Kåre|staff|MAIN|dan|Bergstadt
Peñalver|Íñigo|adult|EAST|spa|Vallecas
Łukaszewicz|Bożena|student|SCI|pol|Bergstadt
Şahingöz|İpek|adult|NORTH|tur|Bergstadt
Nguyễn Thị|Hạnh|student|MAIN|vie|Bergstadt
Соколова-Мирная|Вера|adult|MAIN|rus|Берёзовка
Гончаренко|Остап|student|SCI|ukr|Яблунівка
Стоянов|Пламен|adult|EAST|bul|Дъбрава
Παπαλάμπρου|Ελπίδα|adult|NORTH|gre|Ελαιώνας
Βασιλειάδης|Θάνος|student|SCI|gre|Ελαιώνας
النجار|ليلى|adult|MAIN|ara|الواحة
الحداد|كريم|student|SCI|ara|الواحة
بن زيتون|مريم|child|EAST|ara|الواحة
אלמוגי|נועה|adult|NORTH|heb|גבעת האלון
בן-תבור|איתן|student|MAIN|heb|גבעת האלון
欧阳|思远|adult|MAIN|chi|柳河
诸葛|晓梅|student|SCI|chi|柳河
林|書豪文|child|EAST|chi|柳河
小鳥遊|さくら|adult|MAIN|jpn|緑町
五十嵐川|健一|student|SCI|jpn|緑町
남궁|하늘|adult|NORTH|kor|솔마을
제갈|민준|student|MAIN|kor|솔마을
शर्मावत|काव्या|adult|MAIN|hin|आमगाँव
देशपांडेकर|रोहन|student|SCI|hin|आमगाँव
Fitzwarren|Maud|adult|EAST|eng|Eastbrook
Fitzwarren|Toby|child|EAST|eng|Eastbrook
Quennell|Augustin|adult|MAIN|fre|Bergstadt
D'Aubigny-Roche|Océane|student|MAIN|fre|Bergstadt
Szőllősi|Enikő|adult|NORTH|hun|Lhota
Brătianu-Pop|Ilinca|visitor|MAIN|rum|Bergstadt
Jõgeveer|Märt|visitor|MAIN|est|Bergstadt
"""

INSTITUTIONS = (
    # name, symbol, username
    ("Partner Libraries (ILLiad lending)", "ILLIAD", "pseudopatron"),
    ("Eastbrook University Library", "EBU", "inst-ebu"),
    ("Bibliothèque municipale de Valmont", "VALM", "inst-valm"),
    ("Библиотека Берёзовского района", "BERZ", "inst-berz"),
    ("緑町市立図書館", "MDRI", "inst-mdri"),
)
"""Accounts on which our own items are lent to partner libraries."""
