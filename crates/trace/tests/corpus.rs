//! What fuzzing has found worth keeping, replayed: every file of `fuzz/corpus/line`.

#[cfg(test)]
#[path = "../../../fuzz/properties/choices.rs"]
mod choices;
#[cfg(test)]
#[path = "../../../fuzz/properties/line.rs"]
mod line;

use std::fs;
use std::path::Path;

#[test]
fn the_line_corpus_is_read_or_refused_and_never_forged() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/line");
    let mut replayed = 0;
    for file in fs::read_dir(folder).expect("the corpus is part of the project") {
        let path = file.expect("the folder can be read").path();
        println!("{}", path.display());
        line::check(&fs::read(&path).expect("the file can be read"));
        replayed += 1;
    }
    assert!(replayed >= 20, "only {replayed} files are left of the corpus");
}
