//! Events as bytes and columns: conversion between Python objects and the core's formats.

mod build;
mod class;
pub(crate) mod columns;
mod decimal;
mod frozen;
mod gc;
mod json;
mod literal;
mod moment;
mod msgpack;
mod msgpack_read;
pub(crate) mod packed;
mod read;
mod read_error;
mod recent;
pub(crate) mod row;
mod shape;
mod slot;
mod transcode;
mod write;

pub(crate) use class::{Class, class_of_type};
pub(crate) use decimal::reads_decimals;
pub(crate) use frozen::{freeze, freeze_json, no_metadata};
pub(crate) use gc::{CollectorPaused, untracks};
pub(crate) use moment::{set_clock, to_utc, utc_now};
pub(crate) use msgpack::{decode_batch, decode_event, encode_batch, encode_event, encode_row, row_of};
pub(crate) use slot::fills_slots;
