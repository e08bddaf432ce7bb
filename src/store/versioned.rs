//! Reading the state's files: an object with its version and its fields, in one go.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer, StringDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};

/// Name of the field with the version.
const FIELD: &str = "schema";

/// The value in `bytes`, where they are an object of version `schema` that holds nothing unexpected; nothing says why they
/// are not. `T` is told of no version.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8], schema: u64) -> Option<T> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let (found, value) = json.deserialize_map(Whole(PhantomData)).ok()?;
    json.end().ok()?;
    (found == Some(schema)).then_some(value)
}

/// An object as its version and the value of its other fields.
struct Whole<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for Whole<T> {
    type Value = (Option<u64>, T);

    fn expecting(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let mut schema = None;
        let fields = Fields {
            map,
            schema: &mut schema,
        };
        let value = T::deserialize(MapAccessDeserializer::new(fields))?;
        Ok((schema, value))
    }
}

/// The fields of an object but for its version, which is put aside.
struct Fields<'a, A> {
    map: A,
    schema: &'a mut Option<u64>,
}

#[derive(Deserialize)]
struct Key<'k>(#[serde(borrow)] Cow<'k, str>);

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Fields<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        loop {
            let Some(Key(key)) = self.map.next_key::<Key>()? else {
                return Ok(None);
            };
            if key != FIELD {
                let key = match key {
                    Cow::Borrowed(key) => seed.deserialize(BorrowedStrDeserializer::new(key)),
                    Cow::Owned(key) => seed.deserialize(StringDeserializer::new(key)),
                };
                return key.map(Some);
            }
            if self.schema.replace(self.map.next_value()?).is_some() {
                return Err(A::Error::duplicate_field(FIELD));
            }
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    type Map = BTreeMap<String, u32>;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Note {
        name: String,
        #[serde(default)]
        more: Option<Vec<u8>>,
    }

    fn read<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
        super::read(text.as_bytes(), 1)
    }

    #[test]
    fn a_file_is_read_only_where_it_is_whole_and_of_its_version() {
        let note = |name: &str, more| {
            let name = name.to_owned();
            Some(Note { name, more })
        };
        assert_eq!(read(r#"{"schema": 1, "name": "a"}"#), note("a", None));
        // Wherever the version stands, and however names are spelled.
        assert_eq!(
            read(r#" {"n\u0061me": "a\"", "more": [1], "other": {}, "sch\u0065ma": 1} "#),
            note("a\"", Some(vec![1]))
        );
        assert_eq!(
            read(r#"{"schema": 1, "a": 2}"#),
            Some(Map::from([("a".to_owned(), 2)]))
        );
        for wrong in [
            "",
            "{",
            "[1]",
            r#"["a"]"#,
            r#"{"name": "a"}"#,
            r#"{"schema": 2, "name": "a"}"#,
            r#"{"schema": "1", "name": "a"}"#,
            r#"{"schema": 1, "schema": 1, "name": "a"}"#,
            r#"{"schema": 1}"#,
            r#"{"schema": 1, "name": 7}"#,
            r#"{"schema": 1, "name": "a"} x"#,
        ] {
            assert_eq!(read::<Note>(wrong), None, "{wrong}");
        }
    }
}
