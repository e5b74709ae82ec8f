//! What a network file says besides its network, as `check` and an editor show it.

use crate::{frontend::NetworkFile, inspect::network::FileSettings};

/// Batch sizes, crop, and which hooks there are.
pub(super) fn file_settings(file: &NetworkFile) -> FileSettings {
    let (settings, [label_hook, fine_tune_hook]) = (file.settings(), file.hooks());
    FileSettings {
        train_batch_size: settings.train_batch_size,
        validation_batch_size: settings.validation_batch_size,
        croplen: settings.croplen,
        label_hook,
        fine_tune_hook,
    }
}
