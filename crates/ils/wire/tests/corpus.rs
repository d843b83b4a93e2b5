//! What fuzzing has found worth keeping, replayed: every file of `fuzz/corpus/decoder` and `fuzz/corpus/opener`.

#[cfg(test)]
#[path = "../../../../fuzz/properties/choices.rs"]
mod choices;
#[cfg(test)]
#[path = "../../../../fuzz/properties/decoder.rs"]
mod decoder;
#[cfg(test)]
#[path = "../../../../fuzz/properties/messages.rs"]
mod messages;
#[cfg(test)]
#[path = "../../../../fuzz/properties/opener.rs"]
mod opener;

use std::fs;
use std::path::Path;

/// Gives each file of a corpus to its property; the name of the last one printed is the one that failed.
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fuzz/corpus").join(target);
    let mut replayed = 0;
    for file in fs::read_dir(folder).expect("the corpus is part of the project") {
        let path = file.expect("the folder can be read").path();
        println!("{}", path.display());
        check(&fs::read(&path).expect("the file can be read"));
        replayed += 1;
    }
    assert!(replayed >= 20, "only {replayed} files are left of the corpus of {target}");
}

#[test]
fn the_decoder_corpus_gives_frames_or_errors() {
    replay("decoder", decoder::check);
}

#[test]
fn the_opener_corpus_opens_only_what_is_genuine() {
    replay("opener", opener::check);
}
