//! Names and the published list result of 19 March 2023.

/// id, names, votes of the final result.
pub const LISTS: [(&str, &str, &str, &str, u64); 7] = [
    ("amanat", "«AMANAT» партиясы", "Партия «AMANAT»", "Amanat Party", 3_431_510),
    (
        "auyl",
        "«Ауыл» халықтық-демократиялық патриоттық партиясы",
        "Народно-демократическая патриотическая партия «Ауыл»",
        "Auyl People's Democratic Patriotic Party",
        693_938,
    ),
    ("respublica", "«Respublica» партиясы", "Партия «Respublica»", "Respublica Party", 547_154),
    (
        "aq-jol",
        "«Ақ жол» Қазақстан демократиялық партиясы",
        "Демократическая партия Казахстана «Ак жол»",
        "Aq Jol Democratic Party of Kazakhstan",
        535_139,
    ),
    ("qhp", "Қазақстан Халық партиясы", "Народная партия Казахстана", "People's Party of Kazakhstan", 432_920),
    (
        "jsdp",
        "Жалпыұлттық социал-демократиялық партия",
        "Общенациональная социал-демократическая партия",
        "Nationwide Social Democratic Party",
        331_058,
    ),
    ("baytaq", "«Байтақ» жасылдар партиясы", "Партия зелёных «Байтақ»", "Baytaq Green Party", 146_431),
];
pub const AGAINST_ALL: u64 = 248_291;

/// The region of each district, in order, and the names of the regions.
pub const DISTRICT_REGIONS: [&str; 29] = [
    "kz-71", "kz-71", "kz-75", "kz-75", "kz-75", "kz-79", "kz-79", "kz-10", "kz-11", "kz-15", "kz-19", "kz-19",
    "kz-23", "kz-27", "kz-31", "kz-31", "kz-33", "kz-35", "kz-35", "kz-39", "kz-43", "kz-47", "kz-55", "kz-59",
    "kz-61", "kz-61", "kz-61", "kz-62", "kz-63",
];
pub const REGIONS: [(&str, &str, &str, &str); 21] = [
    ("kz-10", "Абай облысы", "область Абай", "Abai Region"),
    ("kz-11", "Ақмола облысы", "Акмолинская область", "Akmola Region"),
    ("kz-15", "Ақтөбе облысы", "Актюбинская область", "Aktobe Region"),
    ("kz-19", "Алматы облысы", "Алматинская область", "Almaty Region"),
    ("kz-23", "Атырау облысы", "Атырауская область", "Atyrau Region"),
    ("kz-27", "Батыс Қазақстан облысы", "Западно-Казахстанская область", "West Kazakhstan Region"),
    ("kz-31", "Жамбыл облысы", "Жамбылская область", "Jambyl Region"),
    ("kz-33", "Жетісу облысы", "область Жетісу", "Jetisu Region"),
    ("kz-35", "Қарағанды облысы", "Карагандинская область", "Karaganda Region"),
    ("kz-39", "Қостанай облысы", "Костанайская область", "Kostanay Region"),
    ("kz-43", "Қызылорда облысы", "Кызылординская область", "Kyzylorda Region"),
    ("kz-47", "Маңғыстау облысы", "Мангистауская область", "Mangystau Region"),
    ("kz-55", "Павлодар облысы", "Павлодарская область", "Pavlodar Region"),
    ("kz-59", "Солтүстік Қазақстан облысы", "Северо-Казахстанская область", "North Kazakhstan Region"),
    ("kz-61", "Түркістан облысы", "Туркестанская область", "Turkistan Region"),
    ("kz-62", "Ұлытау облысы", "область Ұлытау", "Ulytau Region"),
    ("kz-63", "Шығыс Қазақстан облысы", "Восточно-Казахстанская область", "East Kazakhstan Region"),
    ("kz-71", "Астана қаласы", "город Астана", "Astana City"),
    ("kz-75", "Алматы қаласы", "город Алматы", "Almaty City"),
    ("kz-79", "Шымкент қаласы", "город Шымкент", "Shymkent City"),
    ("abroad", "Шетелдегі сайлау учаскелері", "Избирательные участки за рубежом", "Polling Stations Abroad"),
];
