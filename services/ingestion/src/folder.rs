//! The watched folder: files dropped at DIR/{group}/{rooftop}/{profile}/NAME become imports. A file's name may hold a customer's,
//! so it goes nowhere but where the file goes: what is stored, logged and counted of it is a hash and numbers.

mod content;
mod moved;
mod reading;
mod watch;

use std::path::PathBuf;

use throughline_platform::{Failure, tasks::OnExit};
use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::{
    reading::{Fate, Reader},
    watch::{Found, Watch, walk},
};
use crate::{count::File, imports::Imports};

/// Looks at the folder until shutdown, if there is one.
pub(crate) fn spawn(imports: &Imports) {
    let Some(root) = imports.cx.options.drop_folder.clone() else { return };
    let imports = imports.clone();
    imports.cx.tasks.clone().spawn("ingestion folder", OnExit::Restart, move || {
        let folder = Folder {
            root: root.clone(),
            reader: Reader { imports: imports.clone(), owner: Uuid::new_v4() },
            watch: Watch::default(),
            unreadable: 0,
        };
        folder.run(imports.cx.tasks.shutdown())
    });
}

struct Folder {
    root: PathBuf,
    reader: Reader,
    watch: Watch,
    /// Folders in it that could not be read at the last look.
    unreadable: usize,
}

impl Folder {
    async fn run(mut self, shutdown: CancellationToken) -> Result<(), Failure> {
        let mut tick = interval(self.reader.imports.cx.options.drop_look);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
            self.look(&shutdown).await?;
        }
        Ok(())
    }

    /// One look: takes what is complete, one file after the other, the oldest first.
    async fn look(&mut self, shutdown: &CancellationToken) -> Result<(), Failure> {
        let root = self.root.clone();
        let walked = spawn_blocking(move || walk(&root)).await.map_err(Failure::internal)?;
        let walked = walked.map_err(|why| Failure::unavailable("the watched folder", why))?;
        if walked.unreadable != self.unreadable {
            self.unreadable = walked.unreadable;
            tracing::warn!(folders = walked.unreadable, "folders within the watched folder that cannot be read");
        }
        for found in self.watch.complete(walked.found) {
            if shutdown.is_cancelled() {
                break;
            }
            if !self.take(&found).await {
                self.watch.rest(&found);
            }
        }
        Ok(())
    }

    /// Reads a file and moves it away; false if it is to be looked at again later.
    async fn take(&self, found: &Found) -> bool {
        let counts = &self.reader.imports.intake.counts;
        let fate = match self.reader.read(found).await {
            Ok(fate) => fate,
            Err(why) => {
                tracing::warn!(reason = why.reason_text(), why = why.message(), "a dropped file is left for later");
                return false;
            }
        };
        match &fate {
            Fate::Later => return false,
            Fate::Done => counts.file(File::Taken),
            Fate::Failed(_) => counts.file(File::Failed),
            Fate::Repeated(_) => {}
        }
        let (root, moving, to) = (self.root.clone(), found.clone(), fate.clone());
        let moved = spawn_blocking(move || match to {
            Fate::Failed(why) | Fate::Repeated(Some(why)) => moved::to_failed(&root, &moving, &why),
            Fate::Done | Fate::Repeated(None) | Fate::Later => moved::to_done(&root, &moving),
        });
        match moved.await {
            Ok(Ok(true)) => {
                if matches!(fate, Fate::Repeated(_)) {
                    counts.file(File::Repeated);
                }
                true
            }
            // Another process moved it, or another file stands there by now.
            Ok(Ok(false)) => true,
            Ok(Err(why)) => {
                tracing::warn!(kind = %why.kind(), "a dropped file was read and cannot be moved away");
                false
            }
            Err(_) => false,
        }
    }
}
