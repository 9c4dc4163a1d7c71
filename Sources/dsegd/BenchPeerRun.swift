import RPC
import Segmentation

/// Fills the table of `dsegd bench --peer`: rounds of ours and tasks of the peer's in turn, so that both are taken in
/// the same minutes.
struct BenchPeerRun {
    let settings: BenchDaemon.Settings
    let peer: BenchPeer
    let pictures: BenchPictures
    let progress: BenchProgress

    /// What the limits are set for.
    private static let side = 512

    func report() throws -> BenchPeerReport {
        let starts = try starts()
        let daemon = try BenchDaemon(settings)
        let (client, status) = try daemon.ready()
        var rounds = try BenchRounds(daemon, client, pictures, side: Self.side)
        for start in starts { rounds.add(.start, start) }
        var times = BenchPeerTimes()
        do throws(AbsentPeer) {
            progress.say("looking for PyTorch")
            times.libraries = try peer.libraries()
        } catch {
            times.absent = error.reason
        }
        let tasks = times.absent == nil ? BenchPeer.Task.all[...] : []
        for round in 0..<peer.repetitions {
            progress.say("round \(round + 1) of \(peer.repetitions)")
            try rounds.ask()
            let (begin, end) = (tasks.count * round / peer.repetitions, tasks.count * (round + 1) / peer.repetitions)
            for task in tasks[begin..<end] {
                progress.say("PyTorch: \(task.stage) \(task.variant)")
                times.add(task, peer.time(task))
            }
        }
        try rounds.lookAtRest()
        let model = status.models.first
        return BenchPeerReport(
            threads: Int(status.threads), model: model?.name ?? "", hash: model?.hash ?? "",
            precision: model?.precision ?? "", pictureSide: Self.side, repetitions: peer.repetitions,
            rows: BenchStage.allCases.map { stage in
                BenchPeerReport.Row(stage, rounds.samples[stage] ?? [], peer: times.seconds(stage))
            }, peer: times, rest: rounds.rest)
    }

    /// Times starts, after one that brings the files into the page cache; before there is a daemon beside them.
    private func starts() throws -> [Duration] {
        var pictures = pictures
        let request = SegmentRequest(
            picture: .image(try pictures.next(side: Self.side)), labels: [Label(name: BenchPhrases.phrase(0))])
        progress.say("starting daemons")
        _ = try BenchDaemon(settings).ready()
        return try (0..<peer.repetitions).map { _ in try BenchDaemon.start(settings, asking: request) }
    }
}
