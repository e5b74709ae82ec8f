//! The program `digits-rs`: see [`digits::cli`].

fn main() {
    digits::cli::end(digits::cli::main())
}

/// Called by the dynamic loader before libtorch's initialisers, which take most of the time from start to first step.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[used]
#[expect(unsafe_code, reason = "the section is how the loader finds it")]
// SAFETY: the section holds pointers to functions of this type and nothing else.
#[unsafe(link_section = ".preinit_array")]
static HEAD_START: digits::cli::head_start::BeforeMain = digits::cli::head_start::before_main;
