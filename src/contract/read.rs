//! A cursor over a parsed TOML file that can say, of everything it reads, file, line and key.

use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Refusal, nearest};

/// What is wrong with a value, without its place: the end of a sentence that begins with the key.
#[derive(Debug)]
pub(super) struct Flaw {
    what: String,
    hint: Option<String>,
}

impl Flaw {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: None,
        }
    }

    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// As a command line says it.
impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.hint.iter().try_for_each(|hint| write!(f, "; {hint}"))
    }
}

/// The text of one file and the name by which errors call it.
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

impl<'a> Source<'a> {
    /// Parses the text as TOML.
    pub(super) fn load_table(&self) -> Result<Spanned<DeTable<'a>>, Refusal> {
        DeTable::parse(self.text).map_err(|error| {
            let at = error.span().unwrap_or(0..0);
            let mut reason = error.message().lines().collect::<Vec<_>>().join(", ");
            if reason != "duplicate key" {
                return self.refusal(&at, &Flaw::new(format!("not valid TOML: {reason}")));
            }
            if let Some(key) = self.text.get(at.clone()) {
                reason = format!("{reason} `{}`", key.trim_matches(['[', ']']).trim());
            }
            let flaw = Flaw::new(format!("not valid TOML: {reason}"));
            self.refusal(
                &at,
                &flaw.hint("it stands above already: write both as one"),
            )
        })
    }

    /// A refusal that points at the line where `at` begins.
    fn refusal(&self, at: &Range<usize>, flaw: &Flaw) -> Refusal {
        let before = self.text.as_bytes().iter().take(at.start);
        let line = 1 + before.filter(|byte| **byte == b'\n').count();
        // Quoted values may hold anything; the message stays one line.
        let what = flaw.what.replace(['\n', '\r'], " ");
        let refusal = Refusal::usage(format!("{}:{line}: {what}", self.file));
        match &flaw.hint {
            Some(hint) => refusal.hint(hint),
            None => refusal,
        }
    }
}

/// One table of the file.
#[derive(Clone)]
pub(super) struct Section<'a> {
    source: &'a Source<'a>,
    /// How messages call it, brackets included; empty for the root.
    name: String,
    table: &'a DeTable<'a>,
    at: Range<usize>,
}

impl<'a> Section<'a> {
    pub(super) fn root(source: &'a Source<'a>, table: &'a Spanned<DeTable<'a>>) -> Self {
        Self {
            source,
            name: String::new(),
            table: table.get_ref(),
            at: table.span(),
        }
    }

    /// Refuses the first key that is not in `known`, naming the nearest that is.
    ///
    /// `elsewhere` names the section of a key that is known there: such a key stands under the wrong header.
    pub(super) fn require_known(
        &self,
        known: &[&str],
        elsewhere: impl Fn(&str) -> Option<&'static str>,
    ) -> Result<(), Refusal> {
        let Some((key, _)) = self
            .table
            .iter()
            .filter(|(key, _)| !known.contains(&key.get_ref().as_ref()))
            .min_by_key(|(key, _)| key.span().start)
        else {
            return Ok(());
        };
        let name = key.get_ref().as_ref();
        let flaw = Flaw::new(format!("unknown key `{name}`{}", self.place()));
        let flaw = if let Some(near) = nearest(name, known.iter().copied()) {
            flaw.hint(format!("did you mean `{near}`?"))
        } else if let Some(section) = elsewhere(name) {
            flaw.hint(format!("`{name}` belongs in {section}"))
        } else {
            flaw.hint(format!("known here: {}", known.join(", ")))
        };
        Err(self.source.refusal(&key.span(), &flaw))
    }

    /// Refuses `second` standing before `first`.
    pub(super) fn require_order(&self, first: &str, second: &str) -> Result<(), Refusal> {
        let start = |key: &str| self.entry(key).map(|(span, _)| span.start);
        match (start(first), self.entry(second)) {
            (Some(first_at), Some((span, _))) if span.start < first_at => {
                let flaw = Flaw::new(format!(
                    "`{second}` is out of order{}: `{first}` comes first",
                    self.place()
                ));
                Err(self.source.refusal(
                    &span,
                    &flaw.hint("rules apply in the order in which they stand: swap the two"),
                ))
            }
            _ => Ok(()),
        }
    }

    /// A refusal about `key`, or about the section where it does not hold the key.
    pub(super) fn refusal(&self, key: &str, flaw: Flaw) -> Refusal {
        let at = self
            .entry(key)
            .map_or_else(|| self.at.clone(), |(span, _)| span);
        let what = format!("`{key}`{} {}", self.place(), flaw.what);
        self.source.refusal(&at, &Flaw { what, ..flaw })
    }

    /// The value of `key`, required.
    pub(super) fn require_string(&self, key: &str) -> Result<Field<'a, String>, Refusal> {
        self.find_string(key)?.ok_or_else(|| {
            self.refusal(
                key,
                Flaw::new("is missing").hint(format!("write {key} = \"…\"")),
            )
        })
    }

    pub(super) fn find_string(&self, key: &str) -> Result<Option<Field<'a, String>>, Refusal> {
        self.find(key, "a string in quotes", |value| {
            value.as_str().map(str::to_owned)
        })
    }

    pub(super) fn find_flag(&self, key: &str) -> Result<Option<bool>, Refusal> {
        let field = self.find(key, "true or false", DeValue::as_bool)?;
        Ok(field.map(|field| field.value))
    }

    pub(super) fn find_integer(&self, key: &str) -> Result<Option<Field<'a, i64>>, Refusal> {
        self.find(key, "a whole number", |value| {
            let integer = value.as_integer()?;
            i64::from_str_radix(integer.as_str(), integer.radix()).ok()
        })
    }

    /// The list of strings at `key`, each with its own line.
    pub(super) fn find_strings(
        &self,
        key: &str,
    ) -> Result<Option<Vec<Field<'a, String>>>, Refusal> {
        let expected = "a list of strings";
        let Some(list) = self.find(key, expected, |value| value.as_array())? else {
            return Ok(None);
        };
        list.value
            .iter()
            .map(|item| {
                let value = item.get_ref().as_str().map(str::to_owned);
                let field = self.field(key, item.span(), value);
                field.require(expected, item.get_ref())
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// The table `[key]`.
    pub(super) fn find_section(&self, key: &str) -> Result<Option<Section<'a>>, Refusal> {
        let expected = format!("a table [{key}]");
        let table = self.find(key, &expected, |value| value.as_table())?;
        Ok(table.map(|table| self.section(format!("[{key}]"), table.at, table.value)))
    }

    /// The tables `[[key]]`, in their order.
    pub(super) fn find_sections(&self, key: &str) -> Result<Option<Vec<Section<'a>>>, Refusal> {
        let title = match self.name.trim_matches(['[', ']']) {
            "" => format!("[[{key}]]"),
            parent => format!("[[{parent}.{key}]]"),
        };
        let expected = format!("a list of tables, each headed {title}");
        let Some(list) = self.find(key, &expected, |value| value.as_array())? else {
            return Ok(None);
        };
        list.value
            .iter()
            .map(|item| {
                let field = self.field(key, item.span(), item.get_ref().as_table());
                let table = field.require(&expected, item.get_ref())?;
                Ok(self.section(title.clone(), table.at, table.value))
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// The tables `[name.key]` of a section whose keys are the user's own, in the order of their keys.
    pub(super) fn children(&self) -> Result<Vec<(Field<'a, String>, Section<'a>)>, Refusal> {
        let parent = self.name.trim_matches(['[', ']']);
        self.table
            .iter()
            .map(|(key, value)| {
                let name = key.get_ref().as_ref();
                let title = format!("[{parent}.{name}]");
                let field = self.field(name, value.span(), value.get_ref().as_table());
                let table = field.require(&format!("a table {title}"), value.get_ref())?;
                let key = self.field(name, key.span(), name.to_owned());
                Ok((key, self.section(title, table.at, table.value)))
            })
            .collect()
    }

    fn section(&self, name: String, at: Range<usize>, table: &'a DeTable<'a>) -> Section<'a> {
        Section {
            source: self.source,
            name,
            table,
            at,
        }
    }

    fn entry(&self, key: &str) -> Option<(Range<usize>, &'a Spanned<DeValue<'a>>)> {
        let mut entries = self.table.iter();
        let (name, value) = entries.find(|(name, _)| name.get_ref() == key)?;
        Some((name.span(), value))
    }

    fn find<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl Fn(&'a DeValue<'a>) -> Option<T>,
    ) -> Result<Option<Field<'a, T>>, Refusal> {
        let Some((at, value)) = self.entry(key) else {
            return Ok(None);
        };
        let field = self.field(key, at, read(value.get_ref()));
        field.require(expected, value.get_ref()).map(Some)
    }

    fn field<T>(&self, key: &str, at: Range<usize>, value: T) -> Field<'a, T> {
        Field {
            source: self.source,
            name: format!("`{key}`{}", self.place()),
            at,
            value,
        }
    }

    fn place(&self) -> String {
        match self.name.as_str() {
            "" => String::new(),
            name => format!(" in {name}"),
        }
    }
}

/// One value, with the words and the line by which an error names it.
pub(super) struct Field<'a, T> {
    source: &'a Source<'a>,
    name: String,
    at: Range<usize>,
    pub(super) value: T,
}

impl<T> Field<'_, T> {
    /// The value made into what it means; a flaw becomes a refusal that names file, line and key.
    pub(super) fn read<U>(self, mean: impl FnOnce(T) -> Result<U, Flaw>) -> Result<U, Refusal> {
        let Self {
            source,
            name,
            at,
            value,
        } = self;
        mean(value).map_err(|flaw| {
            let what = format!("{name} {}", flaw.what);
            source.refusal(&at, &Flaw { what, ..flaw })
        })
    }
}

impl<'a, T> Field<'a, Option<T>> {
    /// The value, which is missing when `found` has another type than `expected`.
    fn require(self, expected: &str, found: &DeValue<'_>) -> Result<Field<'a, T>, Refusal> {
        let Self {
            source,
            name,
            at,
            value,
        } = self;
        if let Some(value) = value {
            return Ok(Field {
                source,
                name,
                at,
                value,
            });
        }
        let what = format!("{name} must be {expected}, not {}", describe(found));
        Err(source.refusal(&at, &Flaw::new(what)))
    }
}

fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(flag) => format!("{flag}"),
        DeValue::String(_) => "a string".into(),
        DeValue::Datetime(_) => "a date".into(),
        DeValue::Array(_) => "a list".into(),
        DeValue::Table(_) => "a table".into(),
    }
}
