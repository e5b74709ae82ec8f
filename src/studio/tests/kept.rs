//! `KeptTests`: the tests that were asked for last, with the folders of their results.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

use super::request::TestRequest;
use crate::studio::refusal::{Answer, Refusal};

/// How many are kept.
const KEPT: usize = 64;

/// A test.
#[derive(Debug, Clone)]
pub(crate) struct KeptTest {
    /// `t1`
    pub(crate) id: String,
    /// What was asked for.
    pub(crate) request: TestRequest,
    /// `running`, `done` or `failed`.
    pub(crate) state: &'static str,
    /// Images done, and in all.
    pub(crate) progress: (u64, u64),
    /// Epoch of the snapshot, and whether it is the best.
    pub(crate) snapshot: (f64, bool),
    /// For people.
    pub(crate) title: String,
    /// RFC 3339.
    pub(crate) created: String,
    /// How long it took.
    pub(crate) milliseconds: f64,
    /// What came of it.
    pub(crate) result: Value,
    /// What is wrong.
    pub(crate) error: Value,
    /// Where values and pictures lie.
    pub(crate) folder: PathBuf,
    /// Asks the process to end.
    pub(crate) stop: Arc<tokio::sync::Notify>,
}

/// The tests that were asked for last.
#[derive(Default)]
pub(crate) struct KeptTests {
    tests: Mutex<(u64, VecDeque<KeptTest>)>,
}

impl KeptTests {
    fn tests(&self) -> MutexGuard<'_, (u64, VecDeque<KeptTest>)> {
        self.tests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number for the next one.
    #[must_use]
    pub(crate) fn fresh_id(&self) -> String {
        let mut tests = self.tests();
        tests.0 += 1;
        format!("t{}", tests.0)
    }

    /// Keeps a test; the oldest is forgotten when there are too many.
    pub(crate) fn keep(&self, test: KeptTest) {
        let mut tests = self.tests();
        if tests.1.len() == KEPT
            && let Some(oldest) = tests.1.pop_front()
        {
            oldest.stop.notify_one();
            let _ = std::fs::remove_dir_all(&oldest.folder);
        }
        tests.1.push_back(test);
    }

    /// One test.
    ///
    /// # Errors
    /// 404 when there is none.
    pub(crate) fn get(&self, id: &str) -> Answer<KeptTest> {
        let tests = self.tests();
        tests.1.iter().find(|test| test.id == id).cloned().ok_or_else(|| Refusal::not_found("test", id))
    }

    /// Changes a test that is still known.
    pub(crate) fn change(&self, id: &str, change: impl FnOnce(&mut KeptTest)) {
        if let Some(test) = self.tests().1.iter_mut().find(|test| test.id == id) {
            change(test);
        }
    }

    /// Forgets a test.
    ///
    /// # Errors
    /// 404 when there is none.
    pub(crate) fn forget(&self, id: &str) -> Answer<()> {
        let test = self.get(id)?;
        test.stop.notify_one();
        self.tests().1.retain(|test| test.id != id);
        let _ = std::fs::remove_dir_all(&test.folder);
        Ok(())
    }
}
