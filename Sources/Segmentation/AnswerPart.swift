/// What the engine computes of an answer, in this order: what was understood, score maps of consecutive labels, again
/// and again, and a report.
///
/// Its size does not depend on the sizes that were asked for: a ``Painter`` makes of it what was asked for, on whatever
/// thread and as slowly as its reader likes.
package enum AnswerPart: Sendable {
    case understood(Understanding)
    /// Maps on the latent grid, `[H·W]` each; the first of label `first`.
    case scores(first: Int, [[Float]])
    case report(Report)
}
