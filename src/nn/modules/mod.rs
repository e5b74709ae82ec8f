//! The modules: one file each (`family`: one file for classes that differ by little), and the one list of them.
//!
//! **In:** fields through `Builder`, activities. **Out:** `Spec`s and modules. **Never:** Lua, files, gradients by hand.

macro_rules! modules {
    ($($file:ident $($family:ident)?),* $(,)?) => {
        $(pub mod $file;)*
        /// The module classes, file by file in the order of the list.
        pub static REGISTRY: &[&[super::spec::Spec]] = &[$(modules!(@specs $file $($family)?)),*];
        /// The files of the list, for the test that compares it with the folder.
        pub const FILES: &[&str] = &[$(stringify!($file)),*];
    };
    (@specs $file:ident) => { &[$file::SPEC] };
    (@specs $file:ident family) => { $file::SPECS };
}

modules! {
    linear,
    sequential,
    mul_constant,
    add_constant,
    view,
    reshape,
    threshold family,
    dropout family,
    convolution family,
    full_convolution family,
    max_pooling family,
    max_unpooling family,
    average_pooling family,
    pointwise family,
    shaped_pointwise family,
    soft_max family,
    batch_normalization family,
    pass_through family,
    gradient_rule family,
    concat family,
    branches family,
    graph family,
    decorator family,
    table_arithmetic family,
    table_entries family,
    slices family,
    reductions family,
    rank family,
    temporal family,
    padding family,
    one_hot,
    scale family,
    lookup_table,
    resize family,
    products family,
    normalize,
    spatial_cross_map_lrn,
    noise family,
    distances family,
    mixture_table,
    constant,
    spatial_planewise family,
    gates family,
    convert,
    fractional_pooling family,
    feature_lp_pooling,
    dynamic_k_max_pooling,
    local_convolution,
    map_convolution family,
    contrast_normalization family,
    up_sampling family,
    linear_weight_norm,
    sparse_linear,
}
