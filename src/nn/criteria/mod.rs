//! The criteria: one file each, and the one list of them.
//!
//! **In:** fields through `Builder`, outputs and targets. **Out:** `Spec`s and losses as libtorch scalars.
//! **Never:** Lua, files, gradients by hand.

macro_rules! criteria {
    ($($file:ident $($family:ident)?),* $(,)?) => {
        $(pub mod $file;)*
        /// The criterion classes, file by file in the order of the list.
        pub static REGISTRY: &[&[super::spec::Spec]] = &[$(criteria!(@specs $file $($family)?)),*];
        /// The files of the list, for the test that compares it with the folder.
        pub const FILES: &[&str] = &[$(stringify!($file)),*];
    };
    (@specs $file:ident) => { &[$file::SPEC] };
    (@specs $file:ident family) => { $file::SPECS };
}

criteria! {
    mse family,
    class_simplex,
    class_nll,
    cross_entropy,
    spatial_class_nll family,
    elementwise family,
    embedding family,
    bce,
    combined family,
    l1_cost,
    multi_margin family,
}
