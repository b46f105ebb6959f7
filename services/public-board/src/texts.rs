//! What the page says, in one language: Fluent texts from `locales/`, compiled in.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentError, FluentResource};
use icu_provider::DataError;
use unic_langid::{LanguageIdentifier, LanguageIdentifierError};

use crate::language::Language;
use crate::numbers::Numbers;

/// The words and numbers of one language.
pub struct Words {
    language: Language,
    bundle: FluentBundle<FluentResource>,
    /// Its numbers.
    pub numbers: Numbers,
}

impl Words {
    /// All languages, in the order of [`Language::ALL`].
    ///
    /// # Errors
    /// A compiled-in text does not parse; the tests find that first.
    pub fn load() -> Result<Vec<Self>, TextsError> {
        Language::ALL.into_iter().map(Self::of).collect()
    }

    /// The language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The text named `key`; templates call it very often, hence the short name.
    pub fn t(&self, key: &str) -> String {
        self.say(key, &[])
    }

    /// The text named `key` with its places filled in by texts.
    pub fn say(&self, key: &str, places: &[(&'static str, &str)]) -> String {
        let mut arguments = FluentArgs::new();
        for (name, value) in places {
            arguments.set(*name, *value);
        }
        self.format(key, &arguments)
    }

    /// The text named `key` about a count: its form follows the plural of `count`, and `{ $count }` is the number as it
    /// is written in this language.
    pub fn counted(&self, key: &str, count: u64) -> String {
        let mut arguments = FluentArgs::new();
        arguments.set("n", count);
        arguments.set("count", self.numbers.count(count));
        self.format(key, &arguments)
    }

    /// The text named `prefix-name`, or `name` itself when there is none: for words of other services that may grow.
    pub fn known(&self, prefix: &str, name: &str) -> String {
        let key = format!("{prefix}-{name}");
        if self.bundle.has_message(&key) { self.t(&key) } else { name.to_owned() }
    }

    /// A count in this language.
    pub fn count(&self, count: u64) -> String {
        self.numbers.count(count)
    }

    fn of(language: Language) -> Result<Self, TextsError> {
        let identifier: LanguageIdentifier = language.code().parse()?;
        let resource = FluentResource::try_new(source(language).to_owned()).map_err(|(_, errors)| {
            let first = errors.first().map(ToString::to_string).unwrap_or_default();
            TextsError::Syntax { language: language.code(), first }
        })?;
        let mut bundle = FluentBundle::new_concurrent(vec![identifier]);
        // Isolating marks would end up in what people copy from the page; all three languages run left to right.
        bundle.set_use_isolating(false);
        bundle
            .add_resource(resource)
            .map_err(|errors| TextsError::Twice { language: language.code(), first: first_of(&errors) })?;
        Ok(Self { language, bundle, numbers: Numbers::new(language)? })
    }

    /// A missing text shows its key: a page with an odd word is better than none. The tests see that none is missing.
    fn format(&self, key: &str, arguments: &FluentArgs<'_>) -> String {
        let Some(pattern) = self.bundle.get_message(key).and_then(|message| message.value()) else {
            return key.to_owned();
        };
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(arguments), &mut errors).into_owned();
        if !errors.is_empty() {
            tracing::warn!(key, language = self.language.code(), error = first_of(&errors), "a text is incomplete");
        }
        text
    }
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Words").field("language", &self.language).finish_non_exhaustive()
    }
}

/// The compiled-in texts cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TextsError {
    /// A text is not Fluent.
    #[error("locales/{language}/board.ftl does not parse: {first}; correct it and build again")]
    Syntax {
        /// Which.
        language: &'static str,
        /// The first thing wrong with it.
        first: String,
    },
    /// A text is there twice.
    #[error("locales/{language}/board.ftl names a text twice: {first}; correct it and build again")]
    Twice {
        /// Which.
        language: &'static str,
        /// The first one.
        first: String,
    },
    /// A language's code is not one.
    #[error("a language's code is not one: {0}")]
    Code(#[from] LanguageIdentifierError),
    /// CLDR's data for numbers is not there.
    #[error("the data for numbers is not compiled in: {0}")]
    Numbers(#[from] DataError),
}

fn source(language: Language) -> &'static str {
    match language {
        Language::Kazakh => include_str!("../locales/kk/board.ftl"),
        Language::Russian => include_str!("../locales/ru/board.ftl"),
        Language::English => include_str!("../locales/en/board.ftl"),
    }
}

fn first_of(errors: &[FluentError]) -> String {
    errors.first().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;
    use std::path::Path;

    /// Each text with the names of its places.
    fn texts(language: Language) -> BTreeMap<String, BTreeSet<String>> {
        let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut key = String::new();
        for line in source(language).lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, _)) =
                line.split_once(" =").filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase()))
            {
                key = name.to_owned();
                texts.entry(key.clone()).or_default();
            }
            let places = line
                .split('$')
                .skip(1)
                .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>());
            if let Some(known) = texts.get_mut(&key) {
                known.extend(places);
            }
        }
        texts
    }

    #[test]
    fn all_languages_have_the_same_texts_with_the_same_places() {
        let kazakh = texts(Language::Kazakh);
        assert!(kazakh.len() > 80, "only {} texts were found", kazakh.len());
        for language in [Language::Russian, Language::English] {
            let others = texts(language);
            let missing: Vec<_> = kazakh.keys().filter(|key| !others.contains_key(*key)).collect();
            let extra: Vec<_> = others.keys().filter(|key| !kazakh.contains_key(*key)).collect();
            assert!(missing.is_empty() && extra.is_empty(), "{language:?}: missing {missing:?}, extra {extra:?}");
            for (key, places) in &kazakh {
                // A language without plurals of nouns may do without `n`.
                let without_n =
                    |places: &BTreeSet<String>| places.iter().filter(|p| *p != "n").cloned().collect::<Vec<_>>();
                assert_eq!(without_n(places), without_n(&others[key]), "{language:?} {key}");
            }
        }
    }

    /// Every quoted word of the sources and templates that could be a key.
    fn quoted_words() -> BTreeSet<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut words = BTreeSet::new();
        for folder in ["src", "src/view", "templates"] {
            for entry in fs::read_dir(root.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    words.extend(fs::read_to_string(path).unwrap().split('"').map(str::to_owned));
                }
            }
        }
        words
    }

    #[test]
    fn every_text_that_is_asked_for_is_there_and_every_text_is_asked_for() {
        let texts = texts(Language::English);
        let words = quoted_words();
        // Asked for by a name that is put together.
        let families = ["month-", "ratio-", "ratio_about-", "state-", "certainty-", "base-", "outcome-", "rule-"];
        for key in texts.keys() {
            let asked = words.contains(key) || families.iter().any(|family| key.starts_with(family));
            assert!(asked, "nobody asks for `{key}`");
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for folder in ["src/view", "templates"] {
            for entry in fs::read_dir(root.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                let content = fs::read_to_string(&path).unwrap();
                for call in [".t(\"", ".say(\"", ".counted(\""] {
                    for rest in content.split(call).skip(1) {
                        let key = rest.split('"').next().unwrap();
                        assert!(texts.contains_key(key), "{}: no text `{key}`", path.display());
                    }
                }
            }
        }
    }

    #[test]
    fn russian_plurals_follow_the_number() {
        let words = Words::load().unwrap();
        let russian = &words[Language::Russian.index()];
        assert_eq!(russian.counted("over-stations", 3), "В расчёте 3 участка.");
        assert_eq!(russian.counted("over-stations", 8_421), "В расчёте 8\u{a0}421 участок.");
        assert_eq!(russian.counted("over-stations", 8_411), "В расчёте 8\u{a0}411 участков.");
    }
}
