//! The scripts in `tests/python/`, run by a Python with lmdb, numpy, pillow, protobuf, h5py, onnxruntime and tensorboard:
//! `DIGITS_TEST_PYTHON`, else `build/venv/bin/python`.

use std::process::Command;

use crate::tree;

/// What a script prints; none when there is no Python for it, which is allowed outside CI.
#[must_use]
pub(crate) fn python(script: &str, arguments: &[&str]) -> Option<String> {
    let venv = || tree::root().join("build/venv/bin/python");
    let program = std::env::var_os("DIGITS_TEST_PYTHON").map_or_else(venv, Into::into);
    if !program.exists() {
        let ci = std::env::var_os("CI").is_some();
        assert!(!ci, "{} is not there; `make test` makes it", program.display());
        return None;
    }
    let path = tree::root().join("tests/python").join(script);
    let output = Command::new(&program).arg(path).args(arguments).output().expect("the program is there");
    assert!(output.status.success(), "{script} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}
