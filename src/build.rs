//! Build script: Rust types from `proto/`, the C++ files (`torch/fused.cpp`, `torch/guard.cpp`), an rpath to libtorch so that the binary
//! runs without `LD_LIBRARY_PATH`, and the versions that `digits-rs doctor` reports.

use std::{env, error::Error, fs, path::Path, process::Command};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=src/build.rs");
    println!("cargo:rerun-if-changed=proto");
    prost_build::Config::new().compile_fds(protox::compile(["proto/caffe.proto", "proto/onnx.proto"], ["proto"])?)?;
    versions()?;
    // libtorch's headers lie beside its libraries; torch-sys says where those are.
    println!("cargo:rerun-if-changed=src/torch/fused.cpp");
    println!("cargo:rerun-if-changed=src/torch/guard.cpp");
    if let Ok(libtorch) = env::var("DEP_TCH_LIBTORCH_LIB") {
        let mut shim = cc::Build::new();
        shim.cpp(true).std("c++17").warnings(false).include(Path::new(&libtorch).join("../include"));
        shim.file("src/torch/fused.cpp").file("src/torch/guard.cpp").compile("digits_fused");
        // guard.cpp stands between tch and torch-sys. The linker may see the archive that holds it before anybody wants it.
        for name in ["ats_free", "get_and_reset_last_err"] {
            println!("cargo:rustc-link-arg=-Wl,--wrap={name}");
            println!("cargo:rustc-link-arg=-Wl,--undefined=__wrap_{name}");
        }
    }

    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        if let Ok(libtorch) = env::var("DEP_TCH_LIBTORCH_LIB") {
            println!("cargo:rustc-link-arg=-Wl,-rpath,{libtorch}");
        }
        // A released folder holds bin/ beside lib/.
        println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN/../lib");
    }
    Ok(())
}

/// The compiler's version line and those of the crates that wrap a foreign library, as `DIGITS_VERSION_…`.
fn versions() -> Result<(), Box<dyn Error>> {
    let rustc = Command::new(env::var("RUSTC")?).arg("--version").output()?;
    println!("cargo:rustc-env=DIGITS_VERSION_RUSTC={}", String::from_utf8_lossy(&rustc.stdout).trim());

    println!("cargo:rerun-if-changed=Cargo.lock");
    let lock = fs::read_to_string("Cargo.lock")?;
    for name in ["tch", "mlua", "lmdb-rkv"] {
        let entry = format!("name = \"{name}\"\nversion = \"");
        let version = lock.split_once(&entry).and_then(|(_, rest)| rest.split_once('"')).map_or("?", |(v, _)| v);
        println!("cargo:rustc-env=DIGITS_VERSION_{}={version}", name.to_uppercase().replace('-', "_"));
    }
    Ok(())
}
