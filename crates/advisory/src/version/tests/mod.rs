//! What holds for schemes: public order tables, hand-checked cases, the laws of an order, and peers.

mod cases;
mod conformance;
mod laws;
mod npm;
mod peers;
