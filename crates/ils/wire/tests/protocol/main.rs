//! The protocol as a peer meets it: through the public interface, and against the test vectors of `WIRE.md`.

#[cfg(test)]
mod any;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod sealing;
#[cfg(test)]
mod vectors;
