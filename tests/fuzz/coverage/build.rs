//! The link arguments that digits-rs' own build script gives to its own programs only: `guard.cpp` stands between tch and
//! torch-sys, and libtorch is found without `LD_LIBRARY_PATH`.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for name in ["ats_free", "get_and_reset_last_err", "sprintf"] {
        println!("cargo:rustc-link-arg=-Wl,--wrap={name}");
        println!("cargo:rustc-link-arg=-Wl,--undefined=__wrap_{name}");
    }
    if let Ok(libtorch) = std::env::var("DEP_TCH_LIBTORCH_LIB") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{libtorch}");
    }
}
