//! Our own policies as `ValidatingAdmissionPolicy`.
