using BlockGraph.BlockCore.Errors;

namespace BlockGraph.TestKit;

/// <summary>Awaits what must fail, and hands the failure to the test. (An assertion that blocks would stop the world it waits for.)</summary>
public static class Failure
{
    /// <summary>The <see cref="BlockException"/> that <paramref name="action"/> fails with.</summary>
    public static Task<BlockException> OfAsync(Func<Task> action) => OfAsync<BlockException>(action);

    /// <summary>The <see cref="BlockException"/> that <paramref name="request"/> fails with.</summary>
    public static Task<BlockException> OfRequestAsync(Func<ValueTask> request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return OfAsync<BlockException>(async () => await request());
    }

    /// <summary>False where <paramref name="action"/> fails with a <see cref="BlockException"/>.</summary>
    public static async Task<bool> IsDoneAsync(Func<Task> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        try
        {
            await action();
            return true;
        }
        catch (BlockException)
        {
            return false;
        }
    }

    /// <summary>The exception of type <typeparamref name="T"/> that <paramref name="action"/> fails with.</summary>
    public static async Task<T> OfAsync<T>(Func<Task> action)
        where T : Exception
    {
        ArgumentNullException.ThrowIfNull(action);
        try
        {
            await action();
        }
        catch (T error)
        {
            return error;
        }

        throw new InvalidOperationException($"the action succeeded; a {typeof(T).Name} was expected");
    }
}
