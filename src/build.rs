//! Build script: Rust types from `proto/`, the C++ files (`torch/*.cpp`, `distributed/c10d.cpp`, `cuda/graphs.cpp`), an rpath to libtorch so that
//! the binary runs without `LD_LIBRARY_PATH`, the versions that `digits-rs doctor` reports, and the studio's page from
//! `studio/dist`.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=src/build.rs");
    println!("cargo:rerun-if-changed=proto");
    prost_build::Config::new().compile_fds(protox::compile(
        ["proto/caffe.proto", "proto/caffe_net.proto", "proto/onnx.proto", "proto/tensorboard.proto"],
        ["proto"],
    )?)?;
    versions()?;
    studio()?;
    // libtorch's headers lie beside its libraries; torch-sys says where those are.
    let torch = ["accumulate", "backward", "direct", "fused", "guard", "precision", "profile", "rows"]
        .map(|name| format!("src/torch/{name}.cpp"));
    let number = "src/frontend/lua/machine/number.cpp";
    let beside = [number, "src/torch/caught.h", "src/distributed/c10d.cpp", "src/distributed/gloo_names.h"];
    let watched = torch.iter().map(String::as_str).chain(beside);
    watched.for_each(|file| println!("cargo:rerun-if-changed={file}"));
    if let Ok(libtorch) = env::var("DEP_TCH_LIBTORCH_LIB") {
        let mut shim = cc::Build::new();
        shim.cpp(true)
            .std("c++17")
            .warnings(false)
            .include("src/torch")
            .include(Path::new(&libtorch).join("../include"));
        shim.include(Path::new(&libtorch).join("../include/torch/csrc/api/include"));
        shim.files(&torch).file(number).compile("digits_fused");
        // gloo is inside libtorch, its headers are not: names stand in for them.
        let mut c10d = cc::Build::new();
        c10d.cpp(true).std("c++17").warnings(false).include(gloo()?).include("src/distributed").include("src/torch");
        c10d.include(Path::new(&libtorch).join("../include"));
        c10d.include(Path::new(&libtorch).join("../include/torch/csrc/api/include"));
        c10d.file("src/distributed/c10d.cpp").compile("digits_c10d");
        captures(Path::new(&libtorch))?;
        // guard.cpp stands between tch and torch-sys, number.cpp between Lua and C's library. The linker may see the archive that
        // holds them before anybody wants them.
        for name in ["ats_free", "get_and_reset_last_err", "sprintf"] {
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

/// `digits_cuda.so` of `src/cuda/graphs.cpp`: opened where libtorch's CUDA half is, so it may be built where that is not.
/// Empty on systems and for libtorches that have no such half.
fn captures(libtorch: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=src/cuda/graphs.cpp");
    println!("cargo:rerun-if-changed=src/cuda/runtime");
    let built = PathBuf::from(env::var("OUT_DIR")?).join("digits_cuda.so");
    let headers = libtorch.join("../include");
    fs::write(&built, "")?;
    let is_linux = env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux");
    if !is_linux || !headers.join("c10/cuda/impl/cuda_cmake_macros.h").exists() {
        return Ok(());
    }
    let mut library = cc::Build::new();
    library.cpp(true).std("c++17").warnings(false).opt_level(1).debug(false).pic(true).cargo_metadata(false);
    library.include("src/cuda/runtime").include("src/torch").include(headers);
    let mut compiler = library.get_compiler().to_command();
    compiler.args(["-shared", "-fvisibility=hidden", "-Wl,--strip-all", "src/cuda/graphs.cpp", "-o"]).arg(&built);
    match compiler.status()?.success() {
        true => Ok(()),
        false => Err("src/cuda/graphs.cpp does not compile: see above".into()),
    }
}

/// A folder with gloo's headers as libtorch's own headers name them, each of which is `distributed/gloo_names.h`.
fn gloo() -> Result<PathBuf, Box<dyn Error>> {
    let folder = PathBuf::from(env::var("OUT_DIR")?).join("gloo-names");
    for path in ["algorithm.h", "common/error.h", "context.h", "rendezvous/store.h", "transport/device.h"] {
        let path = folder.join("gloo").join(path);
        fs::create_dir_all(path.parent().unwrap_or(&folder))?;
        fs::write(path, "#include <gloo_names.h>\n")?;
    }
    Ok(folder)
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

/// The page of a program that was built without its own.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>digits-rs</title><h1>The page is not \
built in</h1><p>This digits-rs was built without Node, so its page is missing; everything below /api answers. To have the \
page, install Node with npm and run <code>make studio build</code> in the sources.</p></html>\n";

/// The files of `studio/dist`, gzipped, as a Rust table; one page that says what is missing when there are none.
fn studio() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let dist = Path::new("studio/dist");
    let is_built = dist.join("index.html").is_file();
    // A path that is not there would run this script at every build: `make studio` touches this file instead.
    let watched = Path::new(if is_built { "studio/dist" } else { "studio/vite.config.ts" });
    if watched.exists() {
        println!("cargo:rerun-if-changed={}", watched.display());
    }
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    if is_built {
        collect(dist, dist, &mut files)?;
        files.sort();
    } else {
        files.push(("index.html".into(), NOT_BUILT.into()));
    }
    let mut table = format!("const IS_BUILT: bool = {is_built};\nconst ASSETS: &[Asset] = &[\n");
    for (i, (path, bytes)) in files.iter().enumerate() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(bytes)?;
        let name = format!("studio-{i}.gz");
        fs::write(out.join(&name), gzip.finish()?)?;
        let tag = bytes
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        let bytes = format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}\"))");
        writeln!(table, "    Asset {{ path: {path:?}, gzip: {bytes}, tag: \"{tag:016x}\" }},")?;
    }
    table += "];\n";
    fs::write(out.join("studio_assets.rs"), table)?;
    Ok(())
}

/// All files below `folder`, by their paths below `top`.
fn collect(top: &Path, folder: &Path, files: &mut Vec<(String, Vec<u8>)>) -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(top, &path, files)?;
        } else {
            let name = path.strip_prefix(top)?.to_string_lossy().replace('\\', "/");
            files.push((name, fs::read(&path)?));
        }
    }
    Ok(())
}
