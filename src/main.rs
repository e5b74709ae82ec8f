//! The program `digits-rs`: see [`digits::cli`].

fn main() -> std::process::ExitCode {
    digits::cli::main()
}
