"""Names and places for made-up registers: real towns, plausible streets, villages and farms."""


def _listed(text: str) -> tuple[str, ...]:
    return tuple(" ".join(name.split()) for name in text.split(","))


TOWNS: tuple[tuple[str, str, float, float, int], ...] = (
    ("Rīga", "", 56.949, 24.105, 300),
    ("Daugavpils", "", 55.875, 26.536, 60),
    ("Liepāja", "", 56.505, 21.011, 55),
    ("Jelgava", "", 56.652, 23.713, 45),
    ("Jūrmala", "", 56.968, 23.770, 50),
    ("Ventspils", "", 57.390, 21.560, 28),
    ("Rēzekne", "", 56.510, 27.340, 25),
    ("Valmiera", "Valmieras nov.", 57.541, 25.428, 20),
    ("Ogre", "Ogres nov.", 56.816, 24.605, 18),
    ("Jēkabpils", "Jēkabpils nov.", 56.499, 25.857, 18),
    ("Tukums", "Tukuma nov.", 56.967, 23.155, 14),
    ("Salaspils", "Salaspils nov.", 56.861, 24.350, 10),
    ("Cēsis", "Cēsu nov.", 57.312, 25.275, 13),
    ("Kuldīga", "Kuldīgas nov.", 56.968, 21.961, 10),
    ("Olaine", "Olaines nov.", 56.794, 23.941, 6),
    ("Saldus", "Saldus nov.", 56.664, 22.493, 9),
    ("Talsi", "Talsu nov.", 57.245, 22.588, 9),
    ("Sigulda", "Siguldas nov.", 57.154, 24.853, 10),
    ("Dobele", "Dobeles nov.", 56.624, 23.279, 8),
    ("Bauska", "Bauskas nov.", 56.408, 24.193, 8),
    ("Krāslava", "Krāslavas nov.", 55.896, 27.168, 7),
    ("Ludza", "Ludzas nov.", 56.543, 27.720, 7),
    ("Limbaži", "Limbažu nov.", 57.513, 24.713, 6),
    ("Gulbene", "Gulbenes nov.", 57.176, 26.751, 7),
    ("Madona", "Madonas nov.", 56.853, 26.217, 7),
    ("Alūksne", "Alūksnes nov.", 57.421, 27.046, 6),
    ("Aizkraukle", "Aizkraukles nov.", 56.604, 25.255, 5),
    ("Preiļi", "Preiļu nov.", 56.294, 26.724, 5),
    ("Balvi", "Balvu nov.", 57.131, 27.266, 5),
    ("Smiltene", "Smiltenes nov.", 57.424, 25.901, 5),
    ("Valka", "Valkas nov.", 57.775, 26.010, 4),
    ("Mazsalaca", "Valmieras nov.", 57.863, 25.055, 3),
    ("Līvāni", "Līvānu nov.", 56.354, 26.176, 5),
)
"""Name, municipality (none for the state cities), centre, weight."""

FORMER_MUNICIPALITIES = {"Valmieras nov.": "Mazsalacas nov.", "Cēsu nov.": "Amatas nov."}
"""Of parishes, before the reform of 2021."""

STREET_ROOTS = _listed("""
    Brīvības, Krišjāņa Barona, Krišjāņa Valdemāra, Aleksandra Čaka, Dzirnavu, Ģertrūdes,
    Lāčplēša, Elizabetes, Tērbatas, Stabu, Avotu, Miera, Matīsa, Maskavas, Raiņa, Skolas, Parka,
    Dārza, Liepu, Ozolu, Bērzu, Kļavu, Priežu, Egļu, Ceriņu, Rožu, Ziedu, Saules, Mēness,
    Zvaigžņu, Jaunā, Vecā, Lielā, Mazā, Upes, Ezera, Jūras, Kalna, Lejas, Pļavu, Meža, Lauku,
    Stacijas, Dzelzceļa, Rīgas, Cēsu, Valmieras, Jelgavas, Liepājas, Ventspils, Daugavpils,
    Rēzeknes, Tukuma, Talsu, Kuldīgas, Saldus, Bauskas, Ogres, Siguldas, Madonas, Pils,
    Baznīcas, Tirgus, Rūpnīcas, Celtnieku, Zvejnieku, Jūrnieku, Kuģu, Ostas, Bangu, Vēja,
    Vētras, Kaiju, Lakstīgalu, Cielavu, Bezdelīgu, Stārķu, Dzeņu, Stirnu, Briežu, Aļņu, Zaķu,
    Lapsu, Ezīšu, Ābeļu, Ķiršu, Plūmju, Bumbieru, Ogu, Aveņu, Zemeņu, Rudzu, Kviešu, Miežu,
    Auzu, Linu, Āboliņa, Smilgu, Magoņu, Pīpeņu, Neļķu, Tulpju, Narcišu, Lauru, Vītolu, Kārklu,
    Alkšņu, Lazdu, Pīlādžu, Oskara Kalpaka, Jāņa Asara, Augusta Deglava, Ausekļa, Andreja
    Pumpura, Friča Brīvzemnieka, Viestura, Kārļa Ulmaņa, Zigfrīda Annas Meierovica, Aspazijas,
    Blaumaņa, Vidus, Robežu, Aizsargu, Strēlnieku, Varoņu, Draudzības, Vienības, Cerību, Laimes,
    Prieka, Slimnīcas, Aptiekas, Ugunsdzēsēju, Policijas, Tehnikas, Elektrības, Gāzes, Ūdens,
    Avota, Strauta, Gaujas, Daugavas, Lielupes, Ventas, Salacas, Ķengaraga, Juglas, Pļavnieku,
    Purvciema, Imantas, Zolitūdes, Āgenskalna, Čiekurkalna, Mežaparka, Bolderājas, Ilūkstes,
    Šķūņu, Kaļķu, Audēju, Kalēju, Mucenieku, Grēcinieku, 13. janvāra, 11. novembra, 1905. gada,
    18. novembra
""")

STREET_KINDS = (
    ("iela", 84), ("ceļš", 4), ("prospekts", 2), ("bulvāris", 2), ("šķērsiela", 2), ("līnija", 2),
    ("gatve", 1), ("laukums", 1), ("aleja", 1), ("krastmala", 1),
)  # fmt: skip

FORMER_STREETS = _listed("""
    Ļeņina iela, Kirova iela, Gorkija iela, Sarkanarmijas iela, Pionieru iela, Komjaunatnes
    iela, Marksa iela, Suvorova iela, Ļermontova iela, Padomju bulvāris, Oktobra iela, Fabrikas
    iela, Karļa Marksa iela, Friča Gaiļa iela, Viļa Lāča iela, 1. maija iela
""")

PARISH_ROOTS = _listed("""
    Vecat, Mazsalac, Ērg, Kār, Dzērb, Vaid, Trikāt, Rauc, Jaunpieb, Līgat, Stalb, Straup,
    Raiskum, Vaiv, Drabeš, Skujen, Tauren, Inešu, Kaiv, Zaub, Mālp, Suntaž, Ķeip, Madlien, Krap,
    Meņģel, Lauber, Mēdzūl, Sausnēj, Aron, Bērzaun, Cesvain, Dzelzav, Indrān, Kals, Lazdon,
    Liezēr, Ļaudon, Mārcien, Mētrien, Ošup, Prauli, Sarkaņ, Vestien, Abren, Baltinav, Bērzkaln,
    Briežuciem, Kubul, Lazdukaln, Medņev, Šķilbēn, Tilž, Vectilž, Vīksn, Žīgur, Andrupen, Aulej,
    Bērziņ, Grāver, Indr, Izvalt, Kaplav, Kombuļ, Krāslav, Piedruj, Robežniek, Skaist, Ūdrīš,
    Aizvīķ, Apriķ, Bārt, Bunk, Cīrav, Dunalk, Dunik, Durb, Embūt, Gavieze, Gramzd
""")

VILLAGE_ROOTS = _listed("""
    Jaun, Vec, Liel, Maz, Kalna, Lejas, Vid, Ozol, Bērz, Liep, Priež, Egl, Alkšņ, Zvejniek,
    Ezer, Up, Avot, Kalnmuiž, Pļav, Mež, Skuj, Stārķ, Dzērv, Gailīš, Zaķ, Briež, Lapsk, Vilk,
    Lāč, Āps, Bebr, Ūdr
""")
VILLAGE_ENDS = ("ciems", "kalni", "muiža", "pils", "lauki", "sala", "upe", "kalns", "mājas", "gals")

FARM_ROOTS = _listed("""
    Riņņ, Ozol, Bērz, Liep, Kalniņ, Lejniek, Kalēj, Skuj, Vilk, Zaķ, Stārķ, Gail, Dzirnav,
    Krūmiņ, Upmaļ, Ezermal, Mežmal, Pļavniek, Avotiņ, Strautiņ, Saulīt, Rūķ, Vējiņ, Ziediņ,
    Lazdiņ, Kļaviņ, Ābel, Ķirš, Cīruļ, Zīl, Dzeņ, Pūc, Vanadz, Irbīt, Rubeņ, Medņ, Brieš, Stirn,
    Lapsiņ, Ezīš, Āpš, Bebr, Caun, Sesk, Ūdr, Līdak, Asar, Raud, Vēž, Spār, Bit, Kamen,
    Lakstīgal, Dzilnīš, Silmač, Purmaļ, Grantiņ, Smilg, Rudz, Miežon, Auziņ, Linkaln, Vecgaiļ,
    Jaungaiļ, Kungs, Muižniek, Krodziņ, Skolniek, Ķester, Mūrniek, Namdar, Audēj, Drēbniek,
    Kurpniek, Pod
""")
FARM_STARTS = ("", "", "", "", "Kalna", "Lejas", "Vec", "Jaun", "Mazie ", "Lielie ")
FARM_ENDS = ("i", "as", "es", "nieki", "iņi", "kalni", "āji", "ēni", "īši", "upes")
QUOTED_FARMS = ('Stacija "Biksti"', 'Veikals "Mežrozīte"', 'Viesu nams "Pie Ezera, kalnā"')
"""Names with quotes and commas of their own, as the register has some."""
