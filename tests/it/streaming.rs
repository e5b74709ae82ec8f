//! Databases larger than the memory that they may take: the same losses as from memory, and a bounded process.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use digits::job::JobView;

use crate::{
    job::program,
    sets::{Label, Made, Noise, write},
};

const SHAPE: [i64; 3] = [3, 128, 128];
/// Enough that what chance adds to a streamed run, up to 17 MiB (how many batches wait, say), does not count beside the set.
const RECORDS: usize = 4000;

/// Losses of a run, and the most memory of its own (not of files) that the process held, in MiB.
fn run(folder: &Path, job: &str, arguments: &str) -> (Vec<f64>, f64) {
    let line =
        format!("run net.lua --job {job} --device cpu --threads 1 --epochs 1 --validation-interval 0 {arguments}");
    let arguments: Vec<&str> = line.split_whitespace().collect();
    let mut child = program(folder, &arguments).stdout(std::process::Stdio::null()).spawn().unwrap();
    let (mut most, start) = (0.0, Instant::now());
    while child.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < Duration::from_secs(120), "it does not end");
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let anonymous = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kibibytes = anonymous.and_then(|text| text.trim().trim_end_matches(" kB").parse::<f64>().ok());
        most = f64::max(most, kibibytes.unwrap_or(0.0) / 1024.0);
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let events = JobView::open(&folder.join(job)).unwrap().events().unwrap();
    (events.iter().filter_map(|event| event.loss).collect(), most)
}

#[test]
#[cfg(target_os = "linux")]
fn a_database_beyond_the_budget_streams_with_the_same_losses_in_less_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut noise = Noise::new(17);
    let size = SHAPE.iter().product::<i64>() as usize;
    let records: Vec<Made> = (0..RECORDS)
        .map(|i| {
            let shade = noise.below(200) as u8;
            ((0..size).map(|j| shade.wrapping_add((j % 50) as u8)).collect(), Label::Class(i as i32 % 2))
        })
        .collect();
    let data = write(folder.path(), SHAPE, 2, &records).join(" ");
    drop(records);
    fs::write(
        folder.path().join("net.lua"),
        "return function(p) return { model = nn.Sequential():add(nn.MulConstant(0.01))\
         :add(nn.SpatialAveragePooling(16, 16, 16, 16)):add(nn.View(192)):add(nn.Linear(192, 2)):add(nn.LogSoftMax()),\
         trainBatchSize = 16 } end",
    )
    .unwrap();
    let (kept, with_all) = run(folder.path(), "kept", &data);
    let (streamed, with_few) = run(folder.path(), "streamed", &format!("{data} --memory 1"));
    assert!(!kept.is_empty());
    assert_eq!(kept, streamed);
    let set = (RECORDS * size) as f64 / f64::from(1 << 20);
    eprintln!("{set:.0} MiB of pixels: {with_all:.0} MiB kept, {with_few:.0} MiB streamed");
    assert!(with_few < with_all - 0.8 * set, "{with_few:.0} MiB streamed, {with_all:.0} MiB kept, set {set:.0} MiB");
}
