//! The three languages of the page, and which one a reader gets.

use hattama_proto::national::v1::Text;

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// Kazakh: the state language, and the default.
    Kazakh,
    /// Russian.
    Russian,
    /// English.
    English,
}

impl Language {
    /// All of them, in the order in which the page offers them.
    pub const ALL: [Self; 3] = [Self::Kazakh, Self::Russian, Self::English];

    /// The code in addresses, in `lang` attributes and in Fluent's and CLDR's data.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Kazakh => "kk",
            Self::Russian => "ru",
            Self::English => "en",
        }
    }

    /// The language's own name for itself.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::Kazakh => "Қазақша",
            Self::Russian => "Русский",
            Self::English => "English",
        }
    }

    /// Its place in [`ALL`](Self::ALL).
    pub const fn index(self) -> usize {
        self as usize
    }

    /// What a reader gets: the language asked for by `?lang=`, else the best of the Accept-Language header, else Kazakh.
    pub fn negotiate(asked: Option<&str>, accept_language: Option<&str>) -> Self {
        asked.and_then(Self::from_tag).or_else(|| accept_language.and_then(Self::from_accept)).unwrap_or(Self::Kazakh)
    }

    /// The text of `text` in this language; one that was left empty falls back to another that was not.
    pub fn of(self, text: Option<&Text>) -> &str {
        let Some(text) = text else { return "" };
        let own = match self {
            Self::Kazakh => &text.kk,
            Self::Russian => &text.ru,
            Self::English => &text.en,
        };
        [own, &text.kk, &text.ru, &text.en].into_iter().find(|text| !text.is_empty()).map_or("", |text| text.as_str())
    }

    fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.code().eq_ignore_ascii_case(primary))
    }

    /// The first of the highest weight wins, as browsers write them.
    fn from_accept(header: &str) -> Option<Self> {
        let mut best: Option<(u32, Self)> = None;
        for range in header.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let Some(language) = parts.next().and_then(Self::from_tag) else { continue };
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1_000, weight_thousandths);
            if weight > 0 && best.is_none_or(|(heaviest, _)| weight > heaviest) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

/// `0.8` is 800; what is not a weight is 0.
fn weight_thousandths(text: &str) -> u32 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    match (whole.parse::<u32>(), digits.parse::<u32>()) {
        (Ok(whole), Ok(thousandths)) => whole.min(1) * 1_000 + thousandths,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_beats_the_header_which_beats_the_default() {
        assert_eq!(Language::negotiate(Some("ru"), Some("en")), Language::Russian);
        assert_eq!(Language::negotiate(None, Some("en-GB,en;q=0.9,ru;q=0.8")), Language::English);
        assert_eq!(Language::negotiate(None, Some("de,ru;q=0.4,kk-KZ;q=0.7")), Language::Kazakh);
        assert_eq!(Language::negotiate(Some("xx"), Some("ru;q=0")), Language::Kazakh);
        assert_eq!(Language::negotiate(None, None), Language::Kazakh);
        assert_eq!(Language::negotiate(None, Some(";;q=,,en;q=x")), Language::Kazakh);
    }

    #[test]
    fn an_empty_text_falls_back_to_another_language() {
        let text = Text { kk: "Тізім".into(), ru: String::new(), en: "List".into() };
        assert_eq!(Language::English.of(Some(&text)), "List");
        assert_eq!(Language::Russian.of(Some(&text)), "Тізім");
        assert_eq!(Language::Russian.of(None), "");
    }
}
