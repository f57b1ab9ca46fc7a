namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>Does something on a thread of its own, and waits for its end; what it throws is thrown here.</summary>
internal static class OtherThread
{
    public static void Run(Action action, int stackBytes = 0)
    {
        Exception? failure = null;
        Thread thread = new(
            () =>
            {
                try
                {
                    action();
                }
#pragma warning disable CA1031 // It is thrown again on the test's thread.
                catch (Exception error)
#pragma warning restore CA1031
                {
                    failure = error;
                }
            },
            stackBytes);
        thread.Start();
        thread.Join();
        if (failure is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }
    }
}
