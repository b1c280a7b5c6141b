//! Between what travels and what is decided upon.

pub(crate) mod cloud_event;
pub(crate) mod event;
pub(crate) mod import;
pub(crate) mod json;
pub(crate) mod mapped;
pub(crate) mod result;
