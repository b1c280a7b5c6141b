//! The only published language of Throughline: its protobuf packages, generated from `protos/throughline/**.proto`.
//!
//! Each module is a proto package; wire types are path-qualified by users (`pb::deal::v1::Deal`).

/// Encoded `FileDescriptorSet` of every package, its imports and the error details, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

macro_rules! package {
    ($($name:ident),+) => {$(
        /// Generated from the proto package of the same name.
        #[allow(clippy::all, missing_docs)]
        pub mod $name {
            /// Version 1.
            pub mod v1 {
                include!(concat!(env!("OUT_DIR"), "/throughline.", stringify!($name), ".v1.rs"));
            }
        }
    )+};
}

/// Packages `throughline.*`.
pub mod throughline {
    package!(event, log, tenant, ingestion, deal, rule, notification, report, error);
}
pub use throughline::*;

/// CloudEvents 1.0.
#[allow(clippy::all, missing_docs)]
pub mod io {
    pub mod cloudevents {
        pub mod v1 {
            tonic::include_proto!("io.cloudevents.v1");
        }
    }
}
pub use io::cloudevents::v1 as cloudevents;

/// Operations that outlive a call (AIP-151).
#[allow(clippy::all, missing_docs)]
pub mod google {
    pub mod longrunning {
        tonic::include_proto!("google.longrunning");
    }
}
pub use google::longrunning;

pub mod codec;
pub mod time;
