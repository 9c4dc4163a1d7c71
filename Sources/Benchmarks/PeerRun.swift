import RPC

/// Fills the table of `dseg-bench --peer`: rounds of ours and tasks of the peer's in turn, so that both are taken in
/// the same minutes.
struct PeerRun {
    let settings: Daemon.Settings
    let peer: Peer
    /// The networks of words that are timed.
    let words: WordRounds
    let pictures: NewPictures
    let recipe: String
    let progress: ProgressNote

    /// The side of the picture in pixels, for which the limits of ``Stage`` are stated.
    private static let side = 512

    func report() throws -> PeerReport {
        let starts = try starts()
        let daemon = try Daemon(settings)
        let (client, status) = try daemon.ready()
        var rounds = try Rounds(daemon, client, pictures, side: Self.side, recipe: recipe)
        for start in starts { rounds.add(.start, start) }
        var times = PeerTimes()
        do throws(AbsentPeer) {
            progress.say("looking for PyTorch")
            times.libraries = try peer.libraries()
        } catch {
            times.absent = error.reason
        }
        let all = Peer.Task.all(captioner: peer.captioner != nil, filter: peer.filter != nil)
        let tasks = times.absent == nil ? all[...] : []
        var newPictures = pictures
        for round in 0..<peer.repetitions {
            progress.say("round \(round + 1) of \(peer.repetitions)")
            try rounds.ask()
            try words.ask(newPictures.next(side: Self.side), into: &rounds)
            let (begin, end) = (tasks.count * round / peer.repetitions, tasks.count * (round + 1) / peer.repetitions)
            for task in tasks[begin..<end] {
                progress.say("PyTorch: \(task.stage) \(task.variant)")
                times.add(task, peer.time(task))
            }
        }
        try rounds.lookAtRest()
        let model = status.models.first
        return PeerReport(
            threads: Int(status.threads), model: model?.name ?? "", hash: model?.hash ?? "",
            precision: model?.precision ?? "", pictureSide: Self.side, repetitions: peer.repetitions,
            rows: Stage.allCases.filter { !Stage.ofWords.contains($0) || words.stages.contains($0) }.map { stage in
                PeerReport.Row(stage, rounds.samples[stage] ?? [], peer: times.seconds(stage))
            }, peer: times, rest: rounds.rest)
    }

    /// Times starts while no other daemon runs, after one that brings the files into the page cache.
    private func starts() throws -> [Duration] {
        var pictures = pictures
        let request = SegmentRequest(
            picture: .image(try pictures.next(side: Self.side)), labels: [Label(name: Phrases.phrase(0))],
            recipe: recipe)
        progress.say("starting daemons")
        _ = try Daemon(settings).ready()
        return try (0..<peer.repetitions).map { _ in try Daemon.start(settings, asking: request) }
    }
}
