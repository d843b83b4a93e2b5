//! The strings of ILS as types: whoever holds one holds a string whose length and characters were checked.
//!
//! ```text
//! &str, String, CBOR text -> check against the Rule -> ClusterId, Fqdn, RouteString, Description, Version, Text
//! ```
//!
//! The rules are the same for a configuration file and for a peer, since both end in logs, tables and terminals.

// spec: WIRE.md#names

use ilslab_names::{HostName, HostNameError};
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use std::{borrow::Borrow, fmt, str::FromStr};

/// Which rule a string broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Too short or too long.
    #[error("a {what} has {min} to {max} characters, this one {got}")]
    Length {
        /// Which kind of string.
        what: &'static str,
        /// Fewest characters.
        min: usize,
        /// Most characters.
        max: usize,
        /// Characters found.
        got: usize,
    },
    /// A character that may not stand in it; printed escaped, as it may be a control.
    #[error("a {what} consists of {allowed}; it cannot hold '{}'", .found.escape_default())]
    Character {
        /// Which kind of string.
        what: &'static str,
        /// The characters that may stand in it, in words.
        allowed: &'static str,
        /// The first one that may not.
        found: char,
    },
    /// Not a host name.
    #[error(transparent)]
    Host(#[from] HostNameError),
    /// Not a peer ID.
    #[error("a peer ID has 32 lower-case hex digits")]
    PeerId,
}

/// Most characters of the words that go with a refusal or a goodbye.
pub const TEXT_MAX: usize = 200;

/// What a kind of string must look like.
struct Rule {
    what: &'static str,
    min: usize,
    max: usize,
    allowed: &'static str,
    accepts: fn(char) -> bool,
}

impl Rule {
    fn check(&self, text: &str) -> Result<String, NameError> {
        let Self { what, min, max, allowed, accepts } = *self;
        let got = text.chars().count();
        if got < min || got > max {
            return Err(NameError::Length { what, min, max, got });
        }
        match text.chars().find(|&c| !accepts(c)) {
            Some(found) => Err(NameError::Character { what, allowed, found }),
            None => Ok(text.to_owned()),
        }
    }
}

fn is_id_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '.' || c == '-'
}

/// Printable ASCII without what delimits a trace column and an alarm parameter.
fn is_version_char(c: char) -> bool {
    (' '..='~').contains(&c) && c != '|' && c != ']'
}

/// No controls, and none of the characters that reorder or break a line invisibly.
fn is_prose_char(c: char) -> bool {
    let format = ['\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}'];
    let bidi = ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c);
    !c.is_control() && !format.contains(&c) && !bidi
}

fn host(text: &str) -> Result<String, NameError> {
    Ok(text.parse::<HostName>()?.into())
}

const CLUSTER_ID: Rule = Rule {
    what: "cluster ID",
    min: 1,
    max: 50,
    allowed: "letters, digits, '.' and '-'",
    accepts: is_id_char,
};

const ROUTE_STRING: Rule = Rule {
    what: "route string",
    min: 1,
    max: 64,
    allowed: "letters, digits, '.' and '-'",
    accepts: is_id_char,
};

const DESCRIPTION: Rule =
    Rule { what: "description", min: 0, max: 128, allowed: "printable characters", accepts: is_prose_char };

const VERSION: Rule = Rule {
    what: "version",
    min: 1,
    max: 50,
    allowed: "printable ASCII characters other than '|' and ']'",
    accepts: is_version_char,
};

const TEXT: Rule =
    Rule { what: "text", min: 0, max: TEXT_MAX, allowed: "printable characters", accepts: is_prose_char };

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The checked text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let check: fn(&str) -> Result<String, NameError> = $check;
                check(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl TryFrom<&str> for $name {
            type Error = NameError;

            fn try_from(text: &str) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: encode::Write>(
                &self,
                e: &mut Encoder<W>,
                _: &mut C,
            ) -> Result<(), encode::Error<W::Error>> {
                e.str(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
                let at = d.position();
                d.str()?.parse().map_err(|e: NameError| decode::Error::custom(e).at(at))
            }
        }
    };
}

name!(
    /// A cluster's name in the ILS network: 1 to 50 of `A-Za-z0-9.-`. Kept as written; two clusters may not differ
    /// in ASCII case alone.
    ClusterId,
    |text| CLUSTER_ID.check(text)
);

impl ClusterId {
    /// What a freshly installed cluster is called; no one may join under it.
    pub const DEFAULT: &'static str = "StandAloneCluster";

    /// Whether it is still the installation's default, in whatever case.
    pub fn is_default(&self) -> bool {
        self.0.eq_ignore_ascii_case(Self::DEFAULT)
    }
}

impl Default for ClusterId {
    /// [`ClusterId::DEFAULT`].
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

name!(
    /// A fully qualified host name, a [`HostName`]: kept in lower case and without one trailing dot, so that `==` is the
    /// comparison of names.
    Fqdn,
    host
);

name!(
    /// What a cluster attaches to all that it advertises: 1 to 64 of `A-Za-z0-9.-`.
    RouteString,
    |text| ROUTE_STRING.check(text)
);

name!(
    /// An administrator's words about a cluster: up to 128 characters, no controls, no bidirectional or line-breaking
    /// format characters. Empty by default.
    #[derive(Default)]
    Description,
    |text| DESCRIPTION.check(text)
);

name!(
    /// A software version such as `11.5.1.10000(4)`: 1 to 50 printable ASCII characters but `|` and `]`.
    Version,
    |text| VERSION.check(text)
);

name!(
    /// The words that go with a refusal or a goodbye: up to [`TEXT_MAX`] characters, of those of a [`Description`].
    #[derive(Default)]
    Text,
    |text| TEXT.check(text)
);

impl Text {
    /// The nearest text that may be sent: characters that may not stand in it become `?`, what is too long is cut.
    pub fn lossy(text: &str) -> Self {
        let shown = text.chars().take(TEXT.max);
        Self(shown.map(|c| if is_prose_char(c) { c } else { '?' }).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name of the row, the text, and what the parsed value shows, or none where it must be refused.
    type Row = (&'static str, String, Option<String>);

    fn ok(name: &'static str, text: impl Into<String>) -> Row {
        let text = text.into();
        (name, text.clone(), Some(text))
    }

    fn bad(name: &'static str, text: impl Into<String>) -> Row {
        (name, text.into(), None)
    }

    fn check<T: FromStr<Err = NameError> + fmt::Display>(rows: &[Row]) {
        for (name, text, want) in rows {
            let got = text.parse::<T>().ok().map(|t| t.to_string());
            assert_eq!(&got, want, "{name}");
        }
    }

    #[test]
    fn a_cluster_id_keeps_its_rule() {
        check::<ClusterId>(&[
            bad("empty", ""),
            ok("one character", "a"),
            ok("fifty characters", "x".repeat(50)),
            bad("fifty-one characters", "x".repeat(51)),
            ok("all classes", "Az.09-"),
            bad("underscore", "a_b"),
            bad("space", "a b"),
            bad("umlaut", "ä"),
            bad("line feed", "a\n"),
            bad("trace delimiter", "a|b"),
        ]);
    }

    #[test]
    fn a_host_name_keeps_its_rule_and_is_normalised() {
        let longest = format!("{0}.{0}.{0}.{1}", "h".repeat(63), "d".repeat(61));
        check::<Fqdn>(&[
            bad("empty", ""),
            bad("only a dot", "."),
            ok("one character", "h"),
            ok("253 characters", longest.clone()),
            bad("254 characters", format!("{longest}d")),
            ("253 and a trailing dot", format!("{longest}."), Some(longest)),
            bad("a part of 64 characters", "h".repeat(64)),
            bad("an address", "192.0.2.1"),
            ("upper case", "CUCM1.Example.COM".into(), Some("cucm1.example.com".into())),
            ("one trailing dot goes", "a.b.".into(), Some("a.b".into())),
            bad("two trailing dots", "a.b.."),
            bad("only dots", ".."),
            ok("underscore", "a_b.c"),
            bad("wildcard", "*.example.com"),
            bad("Kelvin sign, whose lower case is k", "\u{212a}"),
            bad("colon", "::1"),
        ]);
    }

    #[test]
    fn a_route_string_keeps_its_rule() {
        check::<RouteString>(&[
            bad("empty", ""),
            ok("one character", "r"),
            ok("64 characters", "r".repeat(64)),
            bad("65 characters", "r".repeat(65)),
            bad("underscore", "r_s"),
            bad("at sign", "r@s"),
        ]);
    }

    #[test]
    fn a_description_keeps_its_rule() {
        check::<Description>(&[
            ok("empty", ""),
            ok("128 characters", "d".repeat(128)),
            bad("129 characters", "d".repeat(129)),
            ok("128 characters of four bytes", "\u{1f4de}".repeat(128)),
            bad("129 characters of four bytes", "\u{1f4de}".repeat(129)),
            ok("language and punctuation", "Zürich | «Süd» ]"),
            bad("nul", "\0"),
            bad("escape", "\u{1b}[31m"),
            bad("delete", "\u{7f}"),
            bad("C1 control", "\u{9b}"),
            bad("before the embeddings is a break", "\u{2029}"),
            bad("first embedding", "\u{202a}"),
            bad("last override", "\u{202e}"),
            ok("narrow space after the overrides", "\u{202f}"),
            ok("before the isolates", "\u{2065}"),
            bad("first isolate", "\u{2066}"),
            bad("last isolate", "\u{2069}"),
            ok("after the isolates", "\u{206a}"),
            bad("left-to-right mark", "\u{200e}"),
            bad("right-to-left mark", "\u{200f}"),
            bad("Arabic letter mark", "\u{61c}"),
            bad("line separator", "\u{2028}"),
        ]);
    }

    #[test]
    fn a_version_keeps_its_rule() {
        check::<Version>(&[
            bad("empty", ""),
            ok("as Cisco writes it", "11.5.1.10000(4)"),
            ok("fifty characters", "1".repeat(50)),
            bad("fifty-one characters", "1".repeat(51)),
            ok("first and last printable", " ~"),
            bad("bar", "1|2"),
            bad("closing bracket", "1]"),
            bad("delete", "\u{7f}"),
            bad("unit separator", "\u{1f}"),
            bad("umlaut", "ü"),
        ]);
    }

    #[test]
    fn a_text_keeps_its_rule() {
        check::<Text>(&[
            ok("empty", ""),
            ok("200 characters", "t".repeat(200)),
            bad("201 characters", "t".repeat(201)),
            bad("line feed", "a\nb"),
        ]);
    }

    #[test]
    fn a_lossy_text_is_always_one_that_may_be_sent() {
        for (name, text, want) in [
            ("clean", "goodbye".to_owned(), "goodbye".to_owned()),
            ("controls", "a\nb\u{202e}c".to_owned(), "a?b?c".to_owned()),
            ("too long", "x".repeat(201), "x".repeat(200)),
        ] {
            let lossy = Text::lossy(&text);
            assert_eq!(lossy.as_str(), want, "{name}");
            assert_eq!(lossy.as_str().parse(), Ok(lossy.clone()), "{name}");
        }
    }

    #[test]
    fn the_default_cluster_id_is_known_in_any_case() {
        for (id, want) in [
            ("StandAloneCluster", true),
            ("standalonecluster", true),
            ("StandAloneCluster1", false),
            ("HubCluster", false),
        ] {
            assert_eq!(id.parse::<ClusterId>().unwrap().is_default(), want, "{id}");
        }
        assert!(ClusterId::default().is_default());
    }

    #[test]
    fn an_error_says_the_rule_and_shows_no_raw_control() {
        let long = "x".repeat(51).parse::<ClusterId>().unwrap_err();
        assert_eq!(long.to_string(), "a cluster ID has 1 to 50 characters, this one 51");
        let odd = "a\u{1b}b".parse::<Fqdn>().unwrap_err();
        let want = "a host name consists of letters, digits, '.', '-' and '_'; it cannot hold '\\u{1b}'";
        assert_eq!(odd.to_string(), want);
    }
}
