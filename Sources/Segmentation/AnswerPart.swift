/// A part of an answer as the engine computes it, in this order: the parsed request, score maps of one group of labels
/// after the other, and a report.
///
/// Maps are on the latent grid whatever sizes were requested, so a waiting answer takes little memory. A ``Painter``
/// enlarges them on another thread, at the pace at which the client reads.
package enum AnswerPart: Sendable {
    case understood(Understanding)
    /// Maps on the latent grid, `[H·W]` each, of consecutive labels from label `first` on.
    case scores(first: Int, [[Float]])
    case report(Report)
}
