import NIOCore
import RPC
import Segmentation

/// What is counted of calls, for `Metrics`. No label is a value that a client chooses, so that there are only so many.
struct CallCounts {
    private struct Ending: Hashable {
        let method: RPC.Method?
        let code: RPCStatus.Code
    }

    /// What answers are made from beside their pictures.
    private enum Remembered: String, CaseIterable {
        case features, phrases, latents, replies
    }

    private var ends: [Ending: UInt64] = [:]
    private var times: [RPC.Method?: DurationHistogram] = [:]
    private var stages: [CallStage: DurationHistogram] = [:]
    private var refusals: [Refusal.Reason: UInt64] = [:]
    private var caches: [Remembered: (hits: UInt64, misses: UInt64)] = [:]
    /// Bytes of messages.
    private var received: UInt64 = 0
    private var sent: UInt64 = 0

    private static let methods = RPC.Method.allCases.map(Optional.some) + [nil]

    /// Counts a call that has ended.
    mutating func count(_ record: CallRecord, _ end: CallEnd, time: TimeAmount) {
        ends[Ending(method: record.method, code: end.code), default: 0] += 1
        times[record.method, default: DurationHistogram()].observe(.nanoseconds(time.nanoseconds))
        received += UInt64(record.received)
        sent += UInt64(record.sent)
        if case .failed(let status) = end, let refusal = status.refusal { refusals[refusal.reason, default: 0] += 1 }
        record.progress.told { seen in
            for (stage, time) in seen.stages {
                stages[stage, default: DurationHistogram()].observe(.nanoseconds(time.nanoseconds))
            }
            if record.method == .segment, case .answered = end { look(at: record, seen) }
        }
    }

    /// Counts what an answer found remembered, as it was told: what another user asked for counts as missing.
    private mutating func look(at record: CallRecord, _ seen: CallProgress.Seen) {
        count(.replies, hits: record.isRemembered ? 1 : 0, misses: record.isRemembered ? 0 : 1)
        guard !record.isRemembered, let report = seen.report else { return }
        count(.features, hits: report.featuresCached, misses: report.passes)
        count(.phrases, hits: report.phrasesCached, misses: max(0, seen.prompts - report.phrasesCached))
        count(.latents, hits: report.latentCached ? 1 : 0, misses: report.latentCached ? 0 : 1)
    }

    private mutating func count(_ cache: Remembered, hits: Int, misses: Int) {
        caches[cache, default: (0, 0)].hits += UInt64(hits)
        caches[cache, default: (0, 0)].misses += UInt64(misses)
    }

    /// In an order that stays. What was not counted yet is there as 0, except the codes of failures.
    var metrics: [Metric] {
        [
            .counter("dseg_requests_total", "Calls that have ended, by method and by how.", requests),
            .histogram(
                "dseg_request_seconds", "From a call's first frame to its end.",
                Self.methods.map { ([("op", $0.label)], times[$0] ?? DurationHistogram()) }),
            .histogram(
                "dseg_stage_seconds",
                "What calls spent in the queue and in each stage of their answers; encode runs beside the others.",
                CallStage.allCases.map { ([("stage", $0.label)], stages[$0] ?? DurationHistogram()) }),
            .counter(
                "dseg_refusals_total", "Calls that were refused and may be served later, by reason.",
                Refusal.Reason.allCases.map { ([("reason", $0.rawValue)], refusals[$0] ?? 0) }),
            .counter("dseg_received_bytes_total", "Bytes of requests, of calls that have ended.", received),
            .counter("dseg_sent_bytes_total", "Bytes of answers, of calls that have ended.", sent),
            .counter(
                "dseg_cache_hits_total", "What answers found remembered of the same user's earlier questions.",
                Remembered.allCases.map { ([("cache", $0.rawValue)], caches[$0]?.hits ?? 0) }),
            .counter(
                "dseg_cache_misses_total", "What answers did not find so.",
                Remembered.allCases.map { ([("cache", $0.rawValue)], caches[$0]?.misses ?? 0) }),
        ]
    }

    private var requests: [(labels: Metric.Labels, value: UInt64)] {
        Self.methods.flatMap { method in
            let codes = Set(ends.keys.filter { $0.method == method }.map(\.code)).union([.ok])
            return codes.sorted { $0.rawValue < $1.rawValue }.map { code in
                ([("op", method.label), ("code", "\(code)")], ends[Ending(method: method, code: code)] ?? 0)
            }
        }
    }
}

extension RPC.Method? {
    /// As metrics call it; `nil`: of a request that cannot be read.
    fileprivate var label: String { self?.name ?? "unknown" }
}

/// A stage of a call, by its name in the log; all but the queue belong to the answer.
enum CallStage: String, CaseIterable {
    case queue, decode, autoencoder, words, text, unet, maps, draw

    init(_ stage: AnswerStage) {
        self =
            switch stage {
            case .decode: .decode
            case .autoencoder: .autoencoder
            case .words: .words
            case .text: .text
            case .unet: .unet
            case .maps: .maps
            }
    }

    /// As metrics call it.
    var label: String {
        switch self {
        case .queue, .decode, .words, .text, .unet: rawValue
        case .autoencoder: "vae"
        case .maps: "post"
        case .draw: "encode"
        }
    }
}
