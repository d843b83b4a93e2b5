//! Every test that `docs/robustness.md` names as a proof is there.

use std::fs;
use std::path::Path;

#[test]
fn every_test_that_the_ledger_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ledger =
        fs::read_to_string(root.join("docs/robustness.md")).expect("the ledger is part of the project");
    let named: Vec<(&str, &str)> =
        ledger.split('`').filter_map(|quoted| quoted.split_once(".rs::")).collect();
    assert!(named.len() > 50, "only {} tests are named", named.len());
    for (file, name) in named {
        let places = [root.join(format!("crates/{file}.rs")), root.join(format!("tests/{file}.rs"))];
        let text = places.iter().find_map(|place| fs::read_to_string(place).ok());
        let text = text.unwrap_or_else(|| panic!("{file}.rs is in neither crates nor tests"));
        assert!(text.contains(&format!("fn {name}(")), "{file}.rs has no test {name}");
    }
}
