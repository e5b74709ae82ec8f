//! The long documents, so that the compiler checks their links and rustdoc shows them beside the code.
//!
//! The same files read well on their own: `src/docs/*.md`.

#[doc = include_str!("architecture.md")]
pub mod architecture {}

#[doc = include_str!("contributing.md")]
pub mod contributing {}

#[doc = include_str!("cuda.md")]
pub mod cuda {}

#[doc = include_str!("memory.md")]
pub mod memory {}

#[doc = include_str!("hostile-inputs.md")]
pub mod hostile_inputs {}

#[doc = include_str!("fidelity.md")]
pub mod fidelity {}

#[doc = include_str!("packages.md")]
pub mod packages {}

#[doc = include_str!("public-networks.md")]
pub mod public_networks {}

#[doc = include_str!("networks-tensorflow.md")]
pub mod networks_tensorflow {}

#[doc = include_str!("digits-networks.md")]
pub mod digits_networks {}

#[doc = include_str!("studio.md")]
pub mod studio {}
#[doc = include_str!("network-file.md")]
pub mod network_file {}

#[doc = include_str!("several-machines.md")]
pub mod several_machines {}

#[doc = include_str!("public-reports.md")]
pub mod public_reports {}

#[doc = include_str!("bench/measured.md")]
pub mod measured {}

#[doc = include_str!("changelog.md")]
pub mod changelog {}

#[doc = include_str!("digits-features.md")]
pub mod digits_features {}

/// Decisions, each with its context, the choice, and the price.
pub mod decisions {
    #[doc = include_str!("decisions/0001-one-package.md")]
    pub mod d0001_one_package {}

    #[doc = include_str!("decisions/0002-lua-5.1.md")]
    pub mod d0002_lua_5_1 {}

    #[doc = include_str!("decisions/0003-autograd-and-plan.md")]
    pub mod d0003_autograd_and_plan {}

    #[doc = include_str!("decisions/0004-job-directory.md")]
    pub mod d0004_job_directory {}

    #[doc = include_str!("decisions/0005-snapshot-format.md")]
    pub mod d0005_snapshot_format {}

    #[doc = include_str!("decisions/0006-the-module-list.md")]
    pub mod d0006_the_module_list {}

    #[doc = include_str!("decisions/0007-error-is-one-struct.md")]
    pub mod d0007_error_is_one_struct {}

    #[doc = include_str!("decisions/0008-head-start.md")]
    pub mod d0008_head_start {}

    #[doc = include_str!("decisions/0009-private-passes.md")]
    pub mod d0009_private_passes {}

    #[doc = include_str!("decisions/0010-each-thread-its-weights.md")]
    pub mod d0010_each_thread_its_weights {}

    #[doc = include_str!("decisions/0011-what-cuda-gets.md")]
    pub mod d0011_what_cuda_gets {}

    #[doc = include_str!("decisions/0012-short-waits-in-a-crowd.md")]
    pub mod d0012_short_waits_in_a_crowd {}

    #[doc = include_str!("decisions/0013-databases-read-by-offset.md")]
    pub mod d0013_databases_read_by_offset {}

    #[doc = include_str!("decisions/0014-second-wall.md")]
    pub mod d0014_second_wall {}

    #[doc = include_str!("decisions/0015-a-process-for-each-risk.md")]
    pub mod d0015_a_process_for_each_risk {}

    #[doc = include_str!("decisions/0016-tasks-below-every-door.md")]
    pub mod d0016_tasks_below_every_door {}

    #[doc = include_str!("decisions/0017-one-door-for-two-languages.md")]
    pub mod d0017_one_door_for_two_languages {}

    #[doc = include_str!("decisions/0018-lua-5-1-stays.md")]
    pub mod d0018_lua_5_1_stays {}

    #[doc = include_str!("decisions/0019-libtorch-s-own-processes.md")]
    pub mod d0019_libtorch_s_own_processes {}

    #[doc = include_str!("decisions/0020-a-call-like-the-one-before.md")]
    pub mod d0020_a_call_like_the_one_before {}
}
