using BlockGraph.Tools.Dispatch;

// The version is asked for by scripts that start the program often: it is answered before anything else is loaded.
return args is ["--version"] && CalledName.OfThisProcess() == CalledName.Own
    ? VersionText.PrintOwn()
    : new CommandDispatcher(new SystemConsole()).Run(CalledName.OfThisProcess(), args);
