//! Prometheus' text format, version 0.0.4: `# HELP`, `# TYPE`, samples.

use std::fmt::{self, Write};

use crate::histogram::Histogram;

/// A page of metrics, family by family.
#[derive(Debug, Default)]
pub struct Exposition(String);

/// Names and values of a sample's labels.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

impl Exposition {
    /// A family of one sample.
    pub fn single(
        &mut self, name: &str, kind: &str, help: &str, labels: Labels<'_>, value: impl fmt::Display,
    ) {
        self.family(name, kind, help);
        self.sample(name, labels, value);
    }

    /// One histogram of a family, in seconds.
    pub fn histogram(&mut self, name: &str, label: (&str, &str), histogram: &Histogram) {
        let bucket = format!("{name}_bucket");
        for (bound, count) in histogram.cumulative() {
            self.sample(&bucket, &[label, ("le", &Seconds(bound).to_string())], count);
        }
        self.sample(&bucket, &[label, ("le", "+Inf")], histogram.count());
        self.sample(&format!("{name}_sum"), &[label], Seconds(histogram.sum()));
        self.sample(&format!("{name}_count"), &[label], histogram.count());
    }

    /// The whole page.
    pub fn into_text(self) -> String {
        self.0
    }

    /// The head of a family; its samples follow.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail, here and below.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// Label values are our own constants: letters, digits, `-`, `.`, `+`; nothing needs an escape.
    /// A sample of the family that was begun last.
    pub fn sample(&mut self, name: &str, labels: Labels<'_>, value: impl fmt::Display) {
        let pairs: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let braces = if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
        let _ = writeln!(self.0, "{name}{braces} {value}");
    }
}

/// Milliseconds, printed as seconds: `0.025`, `2.5`, `20`.
struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:03}", self.0 / 1_000, self.0 % 1_000);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_no_more_digits_than_they_need() {
        for (millis, want) in
            [(0, "0"), (5, "0.005"), (250, "0.25"), (2_500, "2.5"), (20_000, "20"), (100_000, "100")]
        {
            assert_eq!(Seconds(millis).to_string(), want, "{millis} ms");
        }
    }
}
