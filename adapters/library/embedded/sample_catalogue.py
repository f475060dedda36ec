"""The sample catalogue."""

from __future__ import annotations

from collections.abc import Iterator

from stdnum import ean

from adapters.library.embedded.catalogue import CopyDraft, add_bib, add_copies
from adapters.library.embedded.library_session import LibrarySession
from gateway.domain.library import Bib, RecordId

FIRST_BIB = 1001
FIRST_ITEM = 39000000000011
STEP = 8
YEARS = (1998, 2009, 2021)
PLACES = (
    # branch, shelf, policy
    ("MAIN", "stacks", "standard"),
    ("NORTH", "stacks", "standard"),
    ("SCI", "stacks", "standard"),
    ("EAST", "stacks", "standard"),
    ("MAIN", "reference", "reference"),
    ("SCI", "reserve", "reserve"),
    ("MAIN", "stacks", "short"),
)

WORKS = """
The Three-Body Problem|Liu, Cixin|eng|New York|Tor Books
Pride and Prejudice|Austen, Jane|eng|London|Penguin Classics
Emma|Austen, Jane|eng|Oxford|Oxford University Press
Middlemarch|Eliot, George|eng|London|Penguin Classics
Great Expectations|Dickens, Charles|eng|London|Vintage
Bleak House|Dickens, Charles|eng|London|Penguin Classics
Wuthering Heights|Brontë, Emily|eng|Oxford|Oxford University Press
Jane Eyre|Brontë, Charlotte|eng|London|Penguin Classics
Frankenstein, or, The modern Prometheus|Shelley, Mary|eng|London|Penguin Classics
Dracula|Stoker, Bram|eng|Dublin|Brandon
The Time Machine|Wells, H. G.|eng|London|Gollancz
The War of the Worlds|Wells, H. G.|eng|London|Gollancz
Moby-Dick, or, The whale|Melville, Herman|eng|New York|Norton
The Scarlet Letter|Hawthorne, Nathaniel|eng|New York|Norton
Walden|Thoreau, Henry David|eng|Princeton|Princeton University Press
Leaves of Grass|Whitman, Walt|eng|New York|Library of America
Little Women|Alcott, Louisa May|eng|Boston|Little, Brown
The Awakening|Chopin, Kate|eng|New York|Norton
Adventures of Huckleberry Finn|Twain, Mark|eng|Berkeley|University of California Press
On the Origin of Species|Darwin, Charles|eng|Cambridge|Cambridge University Press
Opticks|Newton, Isaac|eng|New York|Dover
Notes on Nursing|Nightingale, Florence|eng|London|Churchill Livingstone
Ulysses|Joyce, James|eng|Paris|Shakespeare and Company
To the Lighthouse|Woolf, Virginia|eng|London|Hogarth Press
Heart of Darkness|Conrad, Joseph|eng|London|Penguin Classics
Error-free coding: a users' guide|Harrow, Edith|eng|Leeds|Millrace Press
The denied inheritance and other problems|Quillfeather, Tom|eng|York|Millrace Press
Der Zauberberg|Mann, Thomas|ger|Berlin|S. Fischer
Buddenbrooks: Verfall einer Familie|Mann, Thomas|ger|Berlin|S. Fischer
Faust: eine Tragödie|Goethe, Johann Wolfgang von|ger|Stuttgart|Reclam
Die Leiden des jungen Werther|Goethe, Johann Wolfgang von|ger|Stuttgart|Reclam
Die Räuber|Schiller, Friedrich|ger|Stuttgart|Reclam
Effi Briest|Fontane, Theodor|ger|Stuttgart|Reclam
Der Process|Kafka, Franz|ger|Frankfurt am Main|S. Fischer
Das Schloß|Kafka, Franz|ger|Frankfurt am Main|S. Fischer
Kritik der reinen Vernunft|Kant, Immanuel|ger|Hamburg|Meiner
Über die Brücke: Gedichte|Söhnlein, Grete|ger|Köln|Greven
Les Misérables|Hugo, Victor|fre|Paris|Gallimard
Notre-Dame de Paris|Hugo, Victor|fre|Paris|Gallimard
Madame Bovary: mœurs de province|Flaubert, Gustave|fre|Paris|Gallimard
Germinal|Zola, Émile|fre|Paris|Le Livre de poche
Le Père Goriot|Balzac, Honoré de|fre|Paris|Le Livre de poche
À la recherche du temps perdu|Proust, Marcel|fre|Paris|Gallimard
Les Fleurs du mal|Baudelaire, Charles|fre|Paris|Gallimard
Vingt mille lieues sous les mers|Verne, Jules|fre|Paris|Hetzel
El ingenioso hidalgo don Quijote de la Mancha|Cervantes Saavedra, Miguel de|spa|Madrid|Cátedra
La Regenta|Alas, Leopoldo|spa|Madrid|Cátedra
Fortunata y Jacinta|Pérez Galdós, Benito|spa|Madrid|Alianza
Azul|Darío, Rubén|spa|Valparaíso|Excelsior
Os Maias|Eça de Queirós, José Maria de|por|Lisboa|Livros do Brasil
Dom Casmurro|Machado de Assis, Joaquim Maria|por|Rio de Janeiro|Garnier
La Divina Commedia|Alighieri, Dante|ita|Milano|Mondadori
I promessi sposi|Manzoni, Alessandro|ita|Milano|Mondadori
Le avventure di Pinocchio|Collodi, Carlo|ita|Firenze|Giunti
Max Havelaar|Multatuli|dut|Amsterdam|Van Oorschot
Gösta Berlings saga|Lagerlöf, Selma|swe|Stockholm|Bonnier
Fröken Julie|Strindberg, August|swe|Stockholm|Norstedts
Et dukkehjem|Ibsen, Henrik|nor|Oslo|Gyldendal
Eventyr, fortalte for børn|Andersen, H. C.|dan|København|Gyldendal
Seitsemän veljestä|Kivi, Aleksis|fin|Helsinki|SKS
Lalka|Prus, Bolesław|pol|Warszawa|PIW
Pan Tadeusz|Mickiewicz, Adam|pol|Warszawa|Czytelnik
Quo vadis: powieść z czasów Nerona|Sienkiewicz, Henryk|pol|Kraków|Wydawnictwo Literackie
Osudy dobrého vojáka Švejka|Hašek, Jaroslav|cze|Praha|Odeon
Babička: obrazy z venkovského života|Němcová, Božena|cze|Praha|Odeon
Az ember tragédiája|Madách, Imre|hun|Budapest|Osiris
Egri csillagok|Gárdonyi, Géza|hun|Budapest|Móra
Poezii|Eminescu, Mihai|rum|București|Minerva
Tutunamayanlar üzerine notlar|Yıldırım, Şule|tur|İstanbul|Köprü
Araba sevdası|Recaizade Mahmut Ekrem|tur|İstanbul|İletişim
Kalevipoeg|Kreutzwald, Friedrich Reinhold|est|Tallinn|Avita
Metai|Donelaitis, Kristijonas|lit|Vilnius|Baltos lankos
Truyện Kiều|Nguyễn, Du|vie|Hà Nội|Văn học
Война и мир|Толстой, Лев Николаевич|rus|Москва|Наука
Анна Каренина|Толстой, Лев Николаевич|rus|Москва|Художественная литература
Преступление и наказание|Достоевский, Фёдор Михайлович|rus|Санкт-Петербург|Азбука
Братья Карамазовы|Достоевский, Фёдор Михайлович|rus|Санкт-Петербург|Азбука
Евгений Онегин|Пушкин, Александр Сергеевич|rus|Москва|Наука
Мёртвые души|Гоголь, Николай Васильевич|rus|Москва|Наука
Вишнёвый сад|Чехов, Антон Павлович|rus|Москва|Искусство
Кобзар|Шевченко, Тарас Григорович|ukr|Київ|Дніпро
Лісова пісня|Українка, Леся|ukr|Київ|Дніпро
Под игото|Вазов, Иван|bul|София|Български писател
Горски вијенац|Петровић Његош, Петар|srp|Београд|Просвета
Ἰλιάς|Ὅμηρος|grc|Ἀθῆναι|Πάπυρος
Ὀδύσσεια|Ὅμηρος|grc|Ἀθῆναι|Πάπυρος
Η φόνισσα|Παπαδιαμάντης, Αλέξανδρος|gre|Αθήνα|Εστία
Ποιήματα|Καβάφης, Κωνσταντίνος|gre|Αθήνα|Ίκαρος
Ερωτόκριτος|Κορνάρος, Βιτσέντζος|gre|Αθήνα|Εστία
ألف ليلة وليلة||ara|القاهرة|دار الهلال
كليلة ودمنة|ابن المقفع، عبد الله|ara|بيروت|دار صادر
المقدمة|ابن خلدون، عبد الرحمن|ara|بيروت|دار الفكر
رسالة الغفران|المعري، أبو العلاء|ara|القاهرة|دار المعارف
شاهنامه|فردوسی، ابوالقاسم|per|تهران|امیرکبیر
گلستان|سعدی، مصلح‌الدین|per|تهران|هرمس
רומיאו ויוליה|שקספיר, ויליאם|heb|תל אביב|דביר
אהבת ציון|מאפו, אברהם|heb|ירושלים|דביר
מסעות בנימין השלישי|מנדלי מוכר ספרים|heb|תל אביב|דביר
红楼梦|曹雪芹|chi|北京|人民文学出版社
三国演义|罗贯中|chi|北京|人民文学出版社
西游记|吴承恩|chi|北京|人民文学出版社
水滸傳|施耐庵|chi|臺北|三民書局
阿Q正传|鲁迅|chi|上海|北新书局
論語|孔子|chi|臺北|三民書局
源氏物語|紫式部|jpn|東京|岩波書店
枕草子|清少納言|jpn|東京|岩波書店
こころ|夏目漱石|jpn|東京|新潮社
吾輩は猫である|夏目漱石|jpn|東京|新潮社
奥の細道|松尾芭蕉|jpn|東京|岩波書店
羅生門|芥川龍之介|jpn|東京|新潮社
たけくらべ|樋口一葉|jpn|東京|角川書店
춘향전||kor|서울|민음사
홍길동전|허균|kor|서울|민음사
구운몽|김만중|kor|서울|민음사
진달래꽃|김소월|kor|서울|매문사
무정|이광수|kor|서울|문학과지성사
गोदान|प्रेमचंद|hin|वाराणसी|सरस्वती प्रेस
रामचरितमानस|तुलसीदास|hin|गोरखपुर|गीताप्रेस
कामायनी|प्रसाद, जयशंकर|hin|इलाहाबाद|भारती भंडार
अभिज्ञानशाकुन्तलम्|कालिदास|san|वाराणसी|चौखम्बा
गीतांजलि|ठाकुर, रवीन्द्रनाथ|hin|नई दिल्ली|साहित्य अकादमी
"""

ONE_EDITION = frozenset({"The Three-Body Problem"})
"""Works of which the catalogue has just one record, so that a search has one answer."""


def generate_records() -> Iterator[Bib]:
    """Each work in one to three editions, with valid ISBNs that no publisher has (made from the record number)."""
    number = FIRST_BIB
    for n, line in enumerate(WORKS.strip().splitlines()):
        title, author, language, place, publisher = line.split("|")
        editions = 1 if title in ONE_EDITION else 2 + n % 2
        for year in YEARS[:editions]:
            yield Bib(
                id=str(number),
                title=title,
                author=author,
                identifiers=(RecordId("isbn", _make_isbn(number)), RecordId("oclc", str(90_000_000 + number))),
                publisher=publisher,
                place=place,
                published=str(year),
                language=language,
                pages=f"{120 + number * 7 % 640} p.",
                medium="book",
            )
            number += 1


def generate_copies(bibs: list[Bib]) -> Iterator[CopyDraft]:
    """The first two of every record's copies can be lent; some have a third one elsewhere."""
    number = FIRST_ITEM
    for n, bib in enumerate(bibs):
        for k in range(1 + (n % 3 != 1) + (n % 7 == 0)):
            branch, shelf, policy = PLACES[n % 4] if k == 0 else PLACES[(n + k) % len(PLACES)]
            yield CopyDraft(str(number), bib.id, branch, shelf, policy, _make_call_number(bib, n))
            number += STEP


def write_sample_catalogue(session: LibrarySession) -> list[CopyDraft]:
    bibs = list(generate_records())
    for bib in bibs:
        add_bib(session, bib)
    written = list(generate_copies(bibs))
    add_copies(session, written)
    return written


def _make_isbn(number: int) -> str:
    digits = f"97800{number:07d}"
    return digits + str(ean.calc_check_digit(digits))


def _make_call_number(bib: Bib, n: int) -> str:
    return f"{800 + n % 100}.{n % 10} {bib.author[:3] or bib.title[:3]} {bib.published}"
