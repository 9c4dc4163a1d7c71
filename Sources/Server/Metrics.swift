import RPC
import Segmentation

/// `Metrics`: what was counted until now, and how things are at this moment.
extension ConnectionTable {
    func metrics(_: MetricsRequest) -> MetricsReply {
        let status = service.engine.status
        let all = about(status) + counts.metrics + load(status) + models(status) + ProcessFacts.metrics
        return MetricsReply(text: all.map(\.text).joined())
    }

    private func about(_ status: EngineStatus) -> [Metric] {
        [
            .gauge(
                "dseg_build_info", "Always 1; the labels tell what computes.",
                [
                    (
                        [
                            ("version", Version.current), ("instruction_set", status.instructionSet),
                            ("blas", status.blas),
                        ], 1
                    )
                ]),
            .gauge(
                "dseg_serving", "Whether new calls are taken: 0 while the daemon stops, or its engine is stuck.",
                service.isDraining || stuck != nil ? 0 : 1),
            .gauge(
                "dseg_engine_stuck", "1 while the engine is in one step for longer than any takes.",
                stuck == nil ? 0 : 1),
        ]
    }

    private func load(_ status: EngineStatus) -> [Metric] {
        let held: [(kind: String, used: Int, limit: Int)] = [
            ("incoming", incoming.used, incoming.share.all), ("answers", answers.used, answers.share.all),
            ("unread", unread, service.limits.unreadBytes),
        ]
        return [
            .gauge("dseg_queue_depth", "Calls that wait, and steps of answers to be encoded.", depth(status)),
            .gauge("dseg_queue_limit", "Calls that may wait.", status.queueLimit),
            .gauge("dseg_open_calls", "Calls that wait, run, or are being read.", openCalls),
            .gauge("dseg_open_connections", "Connections that are open.", places.used),
            .gauge("dseg_connections_limit", "Connections that may be open.", places.share.all),
            .counter(
                "dseg_connections_total", "Connections that were let in, and those that found no place.",
                [([("result", "accepted")], lastNumber), ([("result", "refused")], refusals)]),
            .gauge(
                "dseg_held_bytes",
                "Bytes of requests and pictures, of score maps and answers, and of what clients have yet to read.",
                held.map { ([("kind", $0.kind)], $0.used) }),
            .gauge("dseg_held_limit_bytes", "How many there may be.", held.map { ([("kind", $0.kind)], $0.limit) }),
        ]
    }

    private func depth(_ status: EngineStatus) -> Int { status.queued + drawing.waiting }

    private func models(_ status: EngineStatus) -> [Metric] {
        let memory = status.everybody.memory
        let caches: [(name: String, bytes: Int, limit: Int)] = [
            ("pictures", memory.picturesBytes, status.limits.ofPictures),
            ("words", memory.wordsBytes, status.wordsLimit),
            ("replies", service.replies.bytes, service.limits.replyBytes),
        ]
        return [
            .gauge("dseg_models_loaded", "Models in memory.", status.models.count { $0.loading == nil }),
            .gauge("dseg_models_loading", "Models on their way.", status.models.count { $0.loading != nil }),
            .gauge("dseg_model_bytes", "Bytes of models' weights and scratch memory.", status.modelBytes),
            .gauge("dseg_memory_limit_bytes", "Bytes that these and all caches may take.", status.memoryLimit),
            .gauge(
                "dseg_cache_bytes",
                "Bytes of what is remembered: of pictures and what was computed of them, of words, "
                    + "and whole answers.",
                caches.map { ([("cache", $0.name)], $0.bytes) }),
            .gauge(
                "dseg_cache_limit_bytes", "How many there may be.", caches.map { ([("cache", $0.name)], $0.limit) }),
            .gauge(
                "dseg_cache_entries", "Pictures and prompts that are remembered.",
                [([("cache", "pictures")], memory.pictures), ([("cache", "words")], memory.words)]),
        ]
    }
}
