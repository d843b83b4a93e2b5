//! What fuzzing has found worth keeping, replayed: every file of `fuzz/corpus/configuration`.

#[cfg(test)]
#[path = "../../../fuzz/properties/choices.rs"]
mod choices;
#[cfg(test)]
#[path = "../../../fuzz/properties/configuration.rs"]
mod configuration;

use std::fs;
use std::path::Path;

#[test]
fn the_configuration_corpus_is_settings_or_an_error_with_its_place() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/configuration");
    let mut replayed = 0;
    for file in fs::read_dir(folder).expect("the corpus is part of the project") {
        let path = file.expect("the folder can be read").path();
        println!("{}", path.display());
        configuration::check(&fs::read(&path).expect("the file can be read"));
        replayed += 1;
    }
    assert!(replayed >= 20, "only {replayed} files are left of the corpus");
}
