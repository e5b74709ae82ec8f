//! `digits-rs doctor`: versions, libtorch, processor, memory, devices, and what is missing, for a person or as JSON.

use super::{json, report};
use crate::{
    distributed::Place,
    error::Result,
    fence::Support,
    tasks::doctor::{DoctorReport, Processes, doctor},
    torch::precision::Precision,
};

/// Versions, libtorch's path, processor, memory and devices; says why CUDA is off when it is.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
}

/// Prints the report.
///
/// # Errors
/// When the report has no form in JSON: a mistake in this crate.
pub fn run(args: &DoctorArgs) -> Result<()> {
    let found = doctor();
    if args.json {
        return json::print(&found);
    }
    report::line(table(&found).trim_end());
    Ok(())
}

/// Two columns: a label, what holds. The last lines say what to do where something is amiss.
fn table(report: &DoctorReport) -> String {
    let mut table = Table::default();
    let versions = &report.versions;
    table.row("digits-rs", format!("{}, built by {}", versions.digits_rs, versions.rustc));
    table.row("Lua", format!("{} inside (mlua {})", versions.lua, versions.mlua));
    table.row("LMDB", format!("inside (lmdb-rkv {})", versions.lmdb_rkv));

    let torch = &report.libtorch;
    let version = torch.version.as_deref().unwrap_or("of unknown version");
    table.row("libtorch", format!("{version}, through tch {}", versions.tch));
    let folder = torch.folder.as_ref().map_or("not found among the loaded libraries".into(), |f| show(f));
    table.row("  folder", folder);
    let parts = [("MKL", torch.mkl), ("oneDNN", torch.onednn), ("OpenMP", torch.openmp)];
    let built_with: Vec<&str> = parts.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
    table.row("  built with", listed(&built_with));

    let processor = &report.processor;
    let model = processor.model.as_deref().unwrap_or("unknown processor");
    table.row("processor", format!("{model}, {} cores usable", processor.cores));
    table.row("  SIMD", listed(&processor.simd));
    table.row("  threads", format!("libtorch uses {}", processor.libtorch_threads));
    for (name, value) in &processor.environment {
        table.row("  environment", format!("{name}={value}"));
    }

    let memory = &report.memory;
    table.row("memory", format!("{} available of {}", mib(memory.available_mib), mib(memory.total_mib)));
    if memory.limit_mib.is_some() {
        table.row("  limit", format!("{} for this service or container", mib(memory.limit_mib)));
    }
    table.row("  this process", mib(memory.own_mib));

    for (index, name) in report.cuda.devices.iter().enumerate() {
        table.row(&format!("CUDA {index}"), name.clone());
    }
    match (&report.cuda.off_because, &report.cuda.captures_off_because) {
        (Some(reason), _) => table.row("CUDA", format!("off: {reason}")),
        (None, Some(reason)) => table.row("  captured steps", format!("off: {reason}")),
        (None, None) => table.row("  captured steps", "ready".into()),
    }
    if let Some(Precision::Full) = report.cuda.f32 {
        table.row("  32 bits", "as they are; run --tf32 rounds the inputs of products".into());
    }

    let processes = &report.processes;
    let place = processes.place.as_ref().map(Place::describe);
    let mistake = processes.mistake.as_ref().map(|mistake| format!("none: {mistake}"));
    table.row("processes", place.or(mistake).unwrap_or_else(|| "one: no launcher's variables are set".into()));

    table.row("  NCCL", nccl(processes));

    table.row("fence", fence(&report.fence));

    let sample = report.mnist_sample.map_or("damaged".into(), |images| format!("built in, {images} images"));
    table.row("MNIST sample", sample);
    table.text
}

/// What sums between GPUs.
fn nccl(processes: &Processes) -> String {
    match (&processes.nccl, &processes.nccl_off_because) {
        (Some(found), _) => {
            let version = found.version.as_deref().unwrap_or("of unknown version");
            found.library.as_ref().map_or(version.to_string(), |file| format!("{version}, {}", show(file)))
        }
        (None, why) => format!("not found: {}", why.as_deref().unwrap_or("nobody knows why")),
    }
}

/// What a network file's process is held to on this kernel.
fn fence(found: &Support) -> String {
    let version = found.landlock.map_or_else(String::new, |version| format!(" (Landlock {version})"));
    let part = |is_held: bool, what: &str| format!("{what} {}", if is_held { "refused" } else { "NOT refused here" });
    let lines = [
        part(found.files, "files that the command does not name:") + &version,
        part(found.programs, "programs:"),
        part(found.network, "network:"),
    ];
    lines.join("\n")
}

/// Lines of a label and a value, values in one column.
#[derive(Default)]
struct Table {
    text: String,
}

impl Table {
    fn row(&mut self, label: &str, value: String) {
        let mut lines = value.lines();
        self.text += &format!("{label:<16}{}\n", lines.next().unwrap_or(""));
        for line in lines {
            self.text += &format!("{:<16}{line}\n", "");
        }
    }
}

fn show(path: &std::path::Path) -> String {
    path.display().to_string()
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

fn mib(size: Option<u64>) -> String {
    size.map_or("unknown".into(), |mib| format!("{mib} MiB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_every_part() {
        let table = table(&doctor());
        for label in [
            "digits-rs",
            "Lua",
            "LMDB",
            "libtorch",
            "processor",
            "memory",
            "CUDA",
            "processes",
            "  NCCL",
            "fence",
            "MNIST sample",
        ] {
            assert!(table.lines().any(|line| line.starts_with(label)), "no line '{label}' in\n{table}");
        }
        assert!(table.contains("Lua 5.1 inside"), "{table}");
    }
}
