using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>What a decision made under the group's lock still has to send, once the lock is released.</summary>
internal struct ThrottleHandOver
{
    private AioContext? _alarmHome;
    private AioContext? _restartHome;
    private ThrottleRestart? _restart;

    /// <summary>The alarm's next step belongs to <paramref name="home"/>; null for none.</summary>
    public void AddAlarm(AioContext? home) => _alarmHome ??= home;

    /// <summary>Has <paramref name="restart"/> run on <paramref name="home"/>, unless it is on its way already.</summary>
    public void AddRestartUnsynchronized(ThrottleRestart restart, AioContext home)
    {
        if (!restart.IsSent)
        {
            restart.IsSent = true;
            _restart = restart;
            _restartHome = home;
        }
    }

    /// <summary>Sends it. Without the group's lock.</summary>
    public readonly void Send(ThrottleAlarm alarm)
    {
        if (_alarmHome is not null)
        {
            alarm.Send(_alarmHome);
        }

        if (_restart is not null)
        {
            _restartHome!.Send(_restart);
        }
    }
}
