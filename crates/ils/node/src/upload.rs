//! An upload of certificate and key on its way into the files: both or neither, whenever the process is killed.

use std::io;
use std::path::{Path, PathBuf};

use ilslab_files::{move_into_place, remove};

/// Ends what a kill has cut off. The key is put in its place first, so where it is there and the certificate still beside
/// its own, the upload counts; else it does not.
///
/// # Errors
/// The system's.
pub(crate) fn finish_upload(key: &Path, certificate: &Path) -> io::Result<()> {
    // What cannot be looked at, as below a file that stands in the folder's place, is not there.
    let [has_key, has_certificate] = [key, certificate].map(|path| beside(path).exists());
    if !has_key && has_certificate { put_in_place(certificate) } else { discard(key, certificate) }
}

/// The certificate first: alone it would count.
pub(crate) fn discard(key: &Path, certificate: &Path) -> io::Result<()> {
    for path in [certificate, key] {
        remove(&beside(path))?;
    }
    Ok(())
}

pub(crate) fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!("{name}.upload"))
}

pub(crate) fn put_in_place(path: &Path) -> io::Result<()> {
    move_into_place(&beside(path), path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::IdentityPaths;
    use std::fs;

    #[test]
    fn an_upload_that_a_kill_cut_off_counts_whole_or_not_at_all() {
        for (case, left, want) in [
            ("nothing", &[][..], ["old", "old"]),
            ("before the certificate was written", &["tomcat.key.upload"], ["old", "old"]),
            ("before the first rename", &["tomcat.key.upload", "tomcat.pem.upload"], ["old", "old"]),
            ("between both", &["tomcat.pem.upload"], ["old", "new"]),
        ] {
            let root = tempfile::tempdir().expect("a folder");
            let paths = IdentityPaths::under(root.path());
            let folder = root.path().join("tomcat");
            fs::create_dir(&folder).expect("makes");
            for file in ["tomcat.key", "tomcat.pem"] {
                fs::write(folder.join(file), "old").expect("writes");
            }
            for file in left {
                fs::write(folder.join(file), "new").expect("writes");
            }
            for _ in 0..2 {
                finish_upload(&paths.key, &paths.certificate).expect(case);
                let got =
                    [&paths.key, &paths.certificate].map(|path| fs::read_to_string(path).expect("reads"));
                assert_eq!(got, want, "{case}");
                assert_eq!(
                    fs::read_dir(&folder).expect("reads").count(),
                    2,
                    "{case}: nothing is left beside"
                );
            }
        }
        let nowhere = IdentityPaths::under(Path::new("/nowhere"));
        finish_upload(&nowhere.key, &nowhere.certificate).expect("there is nothing to end");
        let file = tempfile::NamedTempFile::new().expect("a file");
        let below = IdentityPaths::under(file.path());
        finish_upload(&below.key, &below.certificate).expect("there can be nothing below a file");
    }
}
